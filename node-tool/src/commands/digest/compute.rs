//! The digest of one file.

use engine::{digest::Algorithm, entry::FileMeta, store::Store as _};
use stores::Place;

/// Maximum number of files that are read at once.
pub(super) const MAX_CONCURRENT_READS: usize = 8;

/// Returns whether the digest of a file at a place is known, or read.
pub(super) fn is_known(place: &Place, algorithm: Algorithm, download: bool) -> bool {
    download || place.is_local() || algorithm == Algorithm::Dropbox
}

/// Returns the digest of a file: the one that is known without reading, if there is one and it isn't to be read. `None` if nobody
/// knows it.
pub(super) async fn digest(
    place: &Place,
    file: &FileMeta,
    algorithm: Algorithm,
    download: bool,
) -> engine::Result<Option<String>> {
    if algorithm == Algorithm::Dropbox && !download {
        let known = match place {
            Place::Dropbox(_) | Place::Link(_) => file.checksum(),
            Place::Local(store) => store.checksum("", file).await?,
        };
        return Ok(known.map(|hash| hash.to_string()));
    }
    let digests = place.digests(file, &[algorithm]).await?;
    Ok(digests.into_iter().next().map(|(_, digest)| digest))
}
