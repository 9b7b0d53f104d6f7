//! Stable names for the values that each server generates: epochs and client IDs.

/// The names for one server in one sequence.
#[derive(Clone, Default)]
pub(crate) struct IdMapping {
    epochs: Vec<String>,
    clients: Vec<String>,
}

impl IdMapping {
    pub(crate) fn add_client(&mut self, id: &str) {
        self.clients.push(id.to_owned());
    }

    /// Returns `E1`, `E2`, … in the order in which the epochs appeared.
    pub(crate) fn epoch(&mut self, epoch: &str) -> String {
        if epoch.is_empty() {
            return String::new();
        }
        let known = self.epochs.iter().position(|known| known == epoch);
        let index = known.unwrap_or_else(|| {
            self.epochs.push(epoch.to_owned());
            self.epochs.len() - 1
        });
        format!("E{}", index + 1)
    }

    /// Replaces the IDs of clients by `C1`, `C2`, … everywhere.
    pub(crate) fn in_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (index, client) in self.clients.iter().enumerate() {
            bytes = replace(
                &bytes,
                client.as_bytes(),
                format!("C{}", index + 1).as_bytes(),
            );
        }
        bytes
    }

    /// Replaces epochs and client IDs in the `Debug` text of a message, and hides times.
    pub(crate) fn in_debug(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(" epoch: \"") {
            let (epoch, after) = after.split_once('"').unwrap_or((after, ""));
            out += &format!("{before} epoch: \"{}\"", self.epoch(epoch));
            rest = after;
        }
        out += rest;
        let mut masked = String::new();
        let mut rest = &*out;
        while let Some((before, after)) = rest.split_once(" time: ") {
            let digits = after
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(after.len());
            let time = if &after[..digits] == "0" { "0" } else { "…" };
            masked += &format!("{before} time: {time}");
            rest = &after[digits..];
        }
        masked += rest;
        String::from_utf8_lossy(&self.in_bytes(masked.as_bytes())).into_owned()
    }
}

pub(crate) fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
