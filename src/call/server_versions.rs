//! The versions of Centrifugo that the nodes of a cluster run.

use std::fmt;

/// The nodes of a Centrifugo cluster and the versions that they run: the value of `Client::server_versions`.
///
/// ```no_run
/// # async fn run(client: centrifugo_api::Client) -> Result<(), centrifugo_api::Error> {
/// let versions = client.server_versions().await?;
/// if !versions.is_at_least(6, 8) {
///     println!("no map channels: {versions}");
/// }
/// # Ok(()) }
/// ```
///
/// It is displayed as `node1 6.9.1, node2 5.4.9`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerVersions {
    nodes: Vec<NodeVersion>,
}

/// A node of a Centrifugo cluster and its version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeVersion {
    /// The node's name, as its configuration or its host gives it.
    pub name: String,
    /// The version as the node tells it, such as `6.9.1` or `6.9.1 OSS`.
    pub version: String,
}

impl ServerVersions {
    pub(crate) fn new(nodes: Vec<NodeVersion>) -> Self {
        Self { nodes }
    }

    /// Returns the nodes of the cluster, in the server's order.
    #[must_use]
    pub fn nodes(&self) -> &[NodeVersion] {
        &self.nodes
    }

    /// Returns the node with the oldest version. A version that is not a number, such as that of a build of your own,
    /// counts as the oldest. `None` if the server told no node.
    #[must_use]
    pub fn oldest(&self) -> Option<&NodeVersion> {
        let nodes = self.nodes.iter();
        nodes.min_by_key(|node| version_numbers(&node.version))
    }

    /// Returns whether all nodes run that version or a newer one: `is_at_least(6, 8)` is true of 6.8.0 and of 7.0.0.
    /// False if a version is not a number, or if the server told no node.
    #[must_use]
    pub fn is_at_least(&self, major: u32, minor: u32) -> bool {
        let oldest = self.oldest();
        let numbers = oldest.and_then(|node| version_numbers(&node.version));
        numbers.is_some_and(|(its_major, its_minor, _)| (its_major, its_minor) >= (major, minor))
    }
}

impl fmt::Display for ServerVersions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, NodeVersion { name, version }) in self.nodes.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(formatter, "{separator}{name} {version}")?;
        }
        Ok(())
    }
}

/// Returns the numbers of a version such as `5.1`, `v6.9.1` or `6.9.1 OSS`; without a third one, it is 0.
pub(crate) fn version_numbers(version: &str) -> Option<(u32, u32, u32)> {
    let version = version.trim_start_matches('v').split(' ').next()?;
    let mut numbers = version.split('.');
    let mut next = || numbers.next()?.parse::<u32>().ok();
    Some((next()?, next()?, next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(versions: &[&str]) -> ServerVersions {
        let nodes = versions
            .iter()
            .enumerate()
            .map(|(index, version)| NodeVersion {
                name: format!("node{index}"),
                version: (*version).to_owned(),
            });
        ServerVersions::new(nodes.collect())
    }

    #[test]
    fn versions_are_compared_by_number() {
        let cluster = versions(&["6.10.0 OSS", "v6.9.1", "6.9.10"]);
        assert_eq!(cluster.oldest().unwrap().version, "v6.9.1");
        for (major, minor, expected) in [(6, 9, true), (5, 99, true), (6, 10, false), (7, 0, false)]
        {
            assert_eq!(
                cluster.is_at_least(major, minor),
                expected,
                "{major}.{minor}"
            );
        }
        assert_eq!(
            cluster.to_string(),
            "node0 6.10.0 OSS, node1 v6.9.1, node2 6.9.10"
        );
    }

    #[test]
    fn unknown_version_is_at_least_nothing() {
        for texts in [&[][..], &["6.9.1", "dev"], &[""], &["6"]] {
            assert!(!versions(texts).is_at_least(0, 0), "{texts:?}");
        }
        assert_eq!(versions(&["6.9.1", "dev"]).oldest().unwrap().version, "dev");
        assert_eq!(versions(&[]).oldest(), None);
    }
}
