"""Filing again what customs sent back: which fields may be corrected, which documents go out anew, or giving up."""
