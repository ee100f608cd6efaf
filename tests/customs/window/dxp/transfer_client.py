"""A transfer client for tests: it empties our outbox and fills our inbox, and makes and reads envelopes by itself.

It shares nothing with the code it talks to but the schema written from the table, which it holds our envelopes to.
"""

import base64
import os
import uuid
from pathlib import Path

from lxml import etree

from customs.window.dxp.schema import xsd
from tests.customs.desk.window import FakeWindow

DXP = "http://www.chinaport.gov.cn/dxp"
NS = {"d": DXP}


class TransferClient:
    """`sent` holds (kind, guid, xml) in the order taken, as `FakeWindow` does."""

    def __init__(self, folder: Path, user: str) -> None:
        self.folder = folder
        self.user = user
        self.sent: list[tuple[str, str, bytes]] = []
        self.heads: list[dict[str, str]] = []
        self._schema = etree.XMLSchema(etree.fromstring(xsd("DxpMsg")))

    def take(self) -> list[tuple[str, str, bytes]]:
        """Take every file of the outbox in the order of their names."""
        taken = []
        for path in sorted((self.folder / "outbox").iterdir()):
            root = etree.fromstring(path.read_bytes())
            self._schema.assertValid(root)
            head = {each.tag.split("}")[1]: each.text for each in root.find("d:TransInfo", NS)}
            head["ReceiverId"] = root.findtext("d:TransInfo/d:ReceiverIds/d:ReceiverId", None, NS)
            self.heads.append(head)
            xml = base64.b64decode(root.findtext("d:Data", None, NS))
            taken.append((head["MsgType"][3:6], head["CopMsgId"], xml))
            path.unlink()
        self.sent += taken
        return taken

    def kinds(self) -> list[str]:
        return [kind for kind, _, _ in self.sent]

    def deliver(self, xml: bytes, *, to: str | None = None, name: str | None = None) -> Path:
        """Put a message for the platform into the inbox, whole."""
        head = self._head(str(uuid.uuid4()), "EXCHANGE", to or self.user, "CEB622Message", "2026-11-23T12:00:00")
        data = base64.b64encode(xml).decode()
        body = f'<DxpMsg xmlns="{DXP}" ver="1.0"><TransInfo>{head}</TransInfo><Data>{data}</Data></DxpMsg>'
        return self.put(body.encode(), name)

    def answer(
        self, guid: str, code: str, *, at: str | None = None, info: str = "said", name: str | None = None
    ) -> Path:
        """Put the exchange's word on a message into the inbox."""
        head = self._head(guid, self.user, "EXCHANGE", "CEB311Message", at or self._laid_at(guid))
        body = (
            f'<x:DxpRep xmlns:x="{DXP}" ver="1.0"><x:RecevierId>{self.user}</x:RecevierId><x:Response>'
            f"<x:ResponseCode>{code}</x:ResponseCode><x:ResponseInfo>{info}</x:ResponseInfo>"
            f"<x:NoticeTime>2026-11-23</x:NoticeTime><x:OriHead>"
            f"{head.replace('</', '</x:').replace('<', '<x:').replace('<x:/x:', '</x:')}</x:OriHead></x:Response></x:DxpRep>"
        )
        return self.put(body.encode(), name)

    def put(self, content: bytes, name: str | None = None) -> Path:
        """Write beside and rename, as a careful client does."""
        target = self.folder / "inbox" / (name or f"{len(os.listdir(self.folder / 'inbox')):04d}-{uuid.uuid4()}.xml")
        draft = target.with_name(f".{target.name}")
        draft.write_bytes(content)
        draft.rename(target)
        return target

    def _laid_at(self, guid: str) -> str:
        return next(head["CreatTime"] for head in reversed(self.heads) if head["CopMsgId"] == guid)

    @staticmethod
    def _head(number: str, sender: str, receiver: str, kind: str, at: str) -> str:
        return (
            f"<CopMsgId>{number}</CopMsgId><SenderId>{sender}</SenderId><ReceiverIds><ReceiverId>{receiver}</ReceiverId>"
            f"</ReceiverIds><CreatTime>{at}</CreatTime><MsgType>{kind}</MsgType>"
        )


class HttpPeer:
    """The window behind HTTP, with the client's words."""

    def __init__(self) -> None:
        self.window = FakeWindow()
        self._seen = 0

    def take(self) -> list[tuple[str, str, bytes]]:
        taken, self._seen = self.window.sent[self._seen :], len(self.window.sent)
        return taken
