//! Changes to one place: removing it with everything in it, making an empty file, setting a file's time.

use std::fs;

use engine::{
    Error, Result,
    entry::{FileMeta, Modified},
};

use crate::{
    Place,
    dropbox::link_is_read_only,
    local::{self, local_error},
};

/// Why a file was not touched.
#[derive(Debug)]
pub enum TouchError {
    /// It could not be made.
    Make(Error),
    /// Its time could not be set. If something was left over, it is there, as a word of a command line.
    Touch(Error, Option<String>),
    /// Dropbox sets a file's time only when its content is uploaded.
    HasContent,
}

impl Place {
    /// Removes a folder and everything in it.
    ///
    /// # Errors
    /// When it can't be removed.
    pub async fn remove_all(&self) -> Result<()> {
        match self {
            Self::Local(store) => fs::remove_dir_all(store.path()).map_err(local_error),
            Self::Dropbox(store) => store.remove_all().await,
            Self::Link(_) => Err(link_is_read_only()),
        }
    }

    /// Returns whether it is the root of a Dropbox, which can't be removed.
    pub fn is_dropbox_root(&self) -> bool {
        self.dropbox().is_some_and(|store| store.path().is_root())
    }

    /// Sets the modification time of the file at the place, or makes an empty one.
    ///
    /// # Errors
    /// When the file can't be made, or its time can't be set.
    pub async fn touch(&self, there: Option<&FileMeta>, time: Modified) -> Result<(), TouchError> {
        match (self, there) {
            (Self::Local(store), Some(_)) => local::set_modified(store.path(), time)
                .map_err(|error| TouchError::Touch(local_error(error), None)),
            (Self::Local(store), None) => {
                let made = fs::File::create_new(store.path());
                let made = made.and_then(|_| local::set_modified(store.path(), time));
                made.map_err(|error| TouchError::Make(local_error(error)))
            }
            (Self::Dropbox(_), Some(file)) if file.size_bytes > 0 || file.document().is_some() => {
                Err(TouchError::HasContent)
            }
            (Self::Dropbox(store), there) => store.touch_empty(there, time).await,
            (Self::Link(_), _) => Err(TouchError::Make(link_is_read_only())),
        }
    }
}
