"""The envelope of the exchange (DxpMsg, DxpRep), terminal node edition 202205, and its folders of files."""
