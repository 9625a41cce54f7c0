//! What all senders of a run share.

use dropbox::Client;
use tokio::sync::mpsc;

use super::{budget::Budget, cut::Cut, sent::Sent, sessions::Sessions};
use crate::{dropbox::item::Outcomes, memory::Memory, transfer::TransferOptions};

/// What the senders need.
pub(super) struct Tools<'a> {
    pub client: &'a Client,
    pub options: &'a TransferOptions,
    pub memory: Memory,
    pub cut: Cut,
    pub budget: Budget,
    /// Sessions for files that are sent whole.
    pub plain: Sessions,
    /// Sessions for files that are sent in chunks.
    pub concurrent: Sessions,
    pub sent: mpsc::Sender<Sent>,
    pub outcomes: &'a Outcomes<'a>,
}
