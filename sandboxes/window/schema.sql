-- What the window knows. Amounts are decimal text; quantities of the account book whole units of 10^-5.

-- Everything that came, everything that went, and what officers did. Only ever added to.
CREATE TABLE IF NOT EXISTS journal (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    way TEXT NOT NULL CHECK (way IN ('received', 'sent', 'done')),
    kind TEXT NOT NULL,
    guid TEXT NOT NULL,
    order_no TEXT NOT NULL,
    outcome TEXT NOT NULL,
    body BLOB
);
CREATE INDEX IF NOT EXISTS journal_order ON journal (order_no, number);
CREATE INDEX IF NOT EXISTS journal_guid ON journal (guid, number);
CREATE INDEX IF NOT EXISTS journal_way ON journal (way, kind, number);
CREATE TRIGGER IF NOT EXISTS journal_stays BEFORE UPDATE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is only added to'); END;
CREATE TRIGGER IF NOT EXISTS journal_keeps BEFORE DELETE ON journal
    BEGIN SELECT RAISE(ABORT, 'the journal is only added to'); END;

CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS messages (guid TEXT PRIMARY KEY, digest TEXT NOT NULL, documents TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS documents (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    guid TEXT NOT NULL,
    order_no TEXT NOT NULL,
    logistics_no TEXT NOT NULL,
    content TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT '',
    pre_no TEXT NOT NULL,
    invt_no TEXT NOT NULL DEFAULT '',
    released_on TEXT NOT NULL DEFAULT '',
    bill TEXT NOT NULL DEFAULT '',
    counted TEXT NOT NULL DEFAULT '',
    returned TEXT NOT NULL DEFAULT '{}',
    plan TEXT NOT NULL DEFAULT '[]',
    due REAL,
    UNIQUE (kind, name)
);
CREATE INDEX IF NOT EXISTS documents_order ON documents (order_no, number);
CREATE INDEX IF NOT EXISTS documents_waybill ON documents (logistics_no, kind);
CREATE INDEX IF NOT EXISTS documents_guid ON documents (guid);
CREATE INDEX IF NOT EXISTS documents_status ON documents (status, number);
CREATE INDEX IF NOT EXISTS documents_kind ON documents (kind, number);
CREATE INDEX IF NOT EXISTS documents_due ON documents (due) WHERE due IS NOT NULL;

CREATE TABLE IF NOT EXISTS history (document INTEGER NOT NULL, at TEXT NOT NULL, status TEXT NOT NULL, info TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS history_document ON history (document);

-- A lane keeps the order of a document's receipts; `overtaken` waits for a later one to arrive first.
CREATE TABLE IF NOT EXISTS receipts (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    document INTEGER,
    guid TEXT NOT NULL,
    order_no TEXT NOT NULL,
    status TEXT NOT NULL,
    xml TEXT NOT NULL,
    lane TEXT NOT NULL,
    due REAL NOT NULL,
    overtaken INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'lost')),
    attempts INTEGER NOT NULL DEFAULT 0,
    told TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS receipts_waiting ON receipts (due) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS receipts_lane ON receipts (lane, number) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS receipts_document ON receipts (document, number);
CREATE INDEX IF NOT EXISTS receipts_order ON receipts (order_no, number);

CREATE TABLE IF NOT EXISTS years (
    identity TEXT NOT NULL,
    year TEXT NOT NULL,
    used TEXT NOT NULL,
    PRIMARY KEY (identity, year)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS year_entries (
    number INTEGER PRIMARY KEY,
    identity TEXT NOT NULL,
    year TEXT NOT NULL,
    amount TEXT NOT NULL,
    why TEXT NOT NULL,
    order_no TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS year_entries_order ON year_entries (order_no, number);

CREATE TABLE IF NOT EXISTS book_items (
    ems_no TEXT NOT NULL,
    item TEXT NOT NULL,
    gcode TEXT NOT NULL,
    unit TEXT NOT NULL,
    entered INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
    drawn INTEGER NOT NULL DEFAULT 0 CHECK (drawn >= 0),
    PRIMARY KEY (ems_no, item),
    CHECK (held + drawn <= entered)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS book_moves (
    number INTEGER PRIMARY KEY,
    ems_no TEXT NOT NULL,
    item TEXT NOT NULL,
    reference TEXT NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('entered', 'left', 'held', 'let go', 'drawn', 'returned')),
    quantity INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS book_moves_item ON book_moves (ems_no, item, number);
CREATE INDEX IF NOT EXISTS book_moves_reference ON book_moves (reference);
CREATE TABLE IF NOT EXISTS book_papers (
    ems_no TEXT NOT NULL,
    reference TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (ems_no, reference)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS faults (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    fault TEXT NOT NULL,
    order_no TEXT,
    status TEXT,
    code TEXT NOT NULL,
    seconds REAL NOT NULL,
    copies INTEGER NOT NULL,
    amount TEXT NOT NULL,
    count INTEGER
);
CREATE INDEX IF NOT EXISTS faults_kind ON faults (kind, number);
