-- What the backend needs, created when it starts. The outbox is created by centrifugo-postgres.

CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, blocked BOOLEAN NOT NULL DEFAULT false);
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, name TEXT NOT NULL REFERENCES users);
CREATE TABLE IF NOT EXISTS members (
  room TEXT, name TEXT REFERENCES users, is_owner BOOLEAN NOT NULL, PRIMARY KEY (room, name)
);
CREATE TABLE IF NOT EXISTS answers (
  id BIGSERIAL PRIMARY KEY, room TEXT NOT NULL, asker TEXT NOT NULL REFERENCES users,
  text TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'streaming'
);
-- Each user waits for one answer at a time.
CREATE UNIQUE INDEX IF NOT EXISTS one_answer ON answers (asker) WHERE state IN ('streaming', 'stopping');
CREATE TABLE IF NOT EXISTS messages (
  id BIGSERIAL PRIMARY KEY, room TEXT NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL,
  answer BIGINT REFERENCES answers
);
INSERT INTO users VALUES ('anna'), ('boris'), ('clara') ON CONFLICT DO NOTHING;
INSERT INTO members VALUES ('lobby', 'anna', true), ('lobby', 'boris', false), ('lobby', 'clara', false),
  ('attic', 'anna', true), ('cellar', 'clara', true) ON CONFLICT DO NOTHING;
-- Answers of a process that has crashed.
UPDATE answers SET state = 'interrupted' WHERE state IN ('streaming', 'stopping');
