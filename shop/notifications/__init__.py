"""What goes out for a notice: mails to people, signed calls to merchants' endpoints."""
