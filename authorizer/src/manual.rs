//! What the manual page says besides the help.

use shared::{exit, manual::Manual};

/// The manual of this program.
pub(crate) const MANUAL: Manual = Manual {
    program: "authorizer",
    exit_codes: &[
        exit::SUCCESS,
        exit::ERROR,
        exit::USAGE,
        exit::FATAL,
        exit::INTERRUPTED,
    ],
    environment: &[
        ("BROWSER", "The browser to open instead of the usual one."),
        (
            "HTTPS_PROXY, ALL_PROXY, NO_PROXY",
            "The proxy to Dropbox, and what is reached without it. The browser has settings of its own.",
        ),
        (
            "SSL_CERT_FILE",
            "Certificates to trust instead of those of the system.",
        ),
    ],
    files: &[(
        "http://localhost:53682/",
        "No file is read or written (but FILE of --app-secret-file): Dropbox sends the browser to this address, at which this \
         program listens until the login is over.",
    )],
    see_also: &["node-tool", "node-tool-config-create", "ssh"],
};
