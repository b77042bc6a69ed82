-- A playlist service of its own design; both databases read it.

CREATE TABLE playlists (
  id bigint NOT NULL PRIMARY KEY,
  title text
);

CREATE TABLE playlist_entries (
  track bigint NOT NULL,
  playlist bigint NOT NULL REFERENCES playlists (id),
  PRIMARY KEY (track, playlist)
);
