-- What the backend needs, created when it starts. The outbox is created by centrifugo-postgres.

-- Instances that start at the same time wait for one another here: all of this is one transaction.
SELECT pg_advisory_xact_lock(1);

CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, blocked BOOLEAN NOT NULL DEFAULT false);
CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY DEFAULT gen_random_uuid(), -- which nobody can guess
  name TEXT NOT NULL REFERENCES users
);
CREATE TABLE IF NOT EXISTS members (
  room TEXT, name TEXT REFERENCES users, is_owner BOOLEAN NOT NULL, PRIMARY KEY (room, name)
);
-- An answer of the model, known by its channel, such as `answer:lobby/8b1f…`.
CREATE TABLE IF NOT EXISTS answers (
  channel TEXT PRIMARY KEY, asker TEXT NOT NULL REFERENCES users,
  text TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'streaming',
  written TIMESTAMPTZ NOT NULL DEFAULT now() -- when it last grew
);
-- Each user waits for one answer at a time.
CREATE UNIQUE INDEX IF NOT EXISTS one_answer ON answers (asker) WHERE state = 'streaming';
CREATE TABLE IF NOT EXISTS messages (
  id BIGSERIAL PRIMARY KEY, room TEXT NOT NULL, author TEXT NOT NULL,
  text TEXT NOT NULL CHECK (length(trim(text)) BETWEEN 1 AND 1000), -- see `message_text`, which refuses others before
  answer TEXT REFERENCES answers
);
-- Those who are blocked have no session, and are members of no room.
CREATE OR REPLACE VIEW open_sessions AS SELECT * FROM sessions JOIN users USING (name) WHERE NOT blocked;
CREATE OR REPLACE VIEW active_members AS SELECT * FROM members JOIN users USING (name) WHERE NOT blocked;
-- A model may think for some seconds before its first word.
CREATE OR REPLACE VIEW silent_answers AS
  SELECT * FROM answers WHERE state = 'streaming' AND written < now() - interval '30 seconds';

INSERT INTO users VALUES ('anna'), ('boris'), ('clara') ON CONFLICT DO NOTHING;
INSERT INTO members VALUES ('lobby', 'anna', true), ('lobby', 'boris', false), ('lobby', 'clara', false),
  ('attic', 'anna', true), ('cellar', 'clara', true) ON CONFLICT DO NOTHING;
