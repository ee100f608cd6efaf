"""Ground floor: nothing here knows a business noun; a thing moves in only when two packages need it."""
