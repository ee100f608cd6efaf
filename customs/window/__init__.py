"""The single window: messages to and from customs, edition 202205 of the enterprise message specification.

Pure but for `transport` and the remote signer: plain values in, bytes out, no database and no Flask.
"""
