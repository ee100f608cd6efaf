"""A small window for the desk's tests: takes what is sent, remembers it, and can be told to fail."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeWindow:
    """Listens on loopback; `sent` holds (kind, guid, xml) in order; `answers` are statuses for the next calls."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self.answers: list[int] = []
        window = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                head = body["MessageHead"]
                status = window.answers.pop(0) if window.answers else 200
                if status in (200, 500):  # with 500 the message has arrived, but nobody says so
                    xml = base64.b64decode(body["MessageBody"]["data"])
                    window.sent.append((head["MessageType"][3:6], head["MessageId"], xml))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"OK" if status == 200 else b"no")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/cebcmsg"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.sent]
