//! How connections to Dropbox are made: certificates, proxies, addresses and headers, named as rclone's.

use std::{
    net::{IpAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
};

use dropbox::{Connection, HeaderOf};
use shared::failure::Failure;

use crate::report;

/// The flags of all commands that call Dropbox.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct NetworkFlags {
    /// Trust the certificates in FILE (PEM), instead of the system's; may be repeated
    #[arg(long, global = true, help_heading = "Network", value_name = "FILE")]
    ca_cert: Vec<PathBuf>,
    /// Connect by the proxy at URL, such as http://proxy.example.org:3128, whatever HTTPS_PROXY says
    #[arg(long, global = true, help_heading = "Network", value_name = "URL")]
    http_proxy: Option<String>,
    /// Connect from this address, or name, of this machine
    #[arg(long, global = true, help_heading = "Network", value_name = "ADDRESS")]
    bind: Option<String>,
    /// Identify itself by the certificate in FILE (PEM) where a proxy wants that
    #[arg(long, global = true, help_heading = "Network", value_name = "FILE")]
    client_cert: Option<PathBuf>,
    /// The private key of --client-cert (PEM, not encrypted)
    #[arg(long, global = true, help_heading = "Network", value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// Send a header with each call; may be repeated
    #[arg(long, global = true, help_heading = "Network", value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// Send a header with each call that sends content; may be repeated
    #[arg(long, global = true, help_heading = "Network", value_name = "NAME: VALUE")]
    header_upload: Vec<String>,
    /// Send a header with each call that fetches content; may be repeated
    #[arg(long, global = true, help_heading = "Network", value_name = "NAME: VALUE")]
    header_download: Vec<String>,
}

impl NetworkFlags {
    /// Returns how connections are made.
    ///
    /// # Errors
    /// When a file can't be read or used, or a value makes no sense.
    pub fn connection(&self) -> Result<Connection, Failure> {
        let mut connection = Connection::default();
        for file in &self.ca_cert {
            let trusted = connection.trust(&read("--ca-cert", file)?);
            trusted.map_err(|why| unusable("--ca-cert", file).why(why))?;
        }
        match (&self.client_cert, &self.client_key) {
            (Some(certificate), Some(key)) => {
                let (pem, key_pem) = (read("--client-cert", certificate)?, read("--client-key", key)?);
                let identified = connection.identify(&pem, &key_pem);
                identified.map_err(|why| {
                    unusable("--client-cert, --client-key", certificate)
                        .why(why)
                        .hint("an encrypted key is decrypted by: openssl pkey -in KEY -out PLAIN")
                })?;
            }
            (None, None) => {}
            _ => {
                return Err(Failure::usage(
                    "--client-cert and --client-key belong together: the certificate, and its key",
                ));
            }
        }
        if let Some(address) = self.http_proxy.as_deref().filter(|address| !address.is_empty()) {
            let used = connection.use_proxy(address);
            used.map_err(|why| Failure::usage(format!("--http-proxy {why}")))?;
            if address.contains('@') {
                report::warn(
                    "all users of this machine can read the password in --http-proxy; the variable HTTPS_PROXY hides it",
                );
            }
        }
        if let Some(name) = self.bind.as_deref().filter(|name| !name.is_empty()) {
            connection.bind(address_of(name)?);
        }
        self.add_headers(&mut connection)?;
        Ok(connection)
    }

    /// Returns whether headers are to be sent.
    pub fn has_headers(&self) -> bool {
        !(self.header.is_empty() && self.header_upload.is_empty() && self.header_download.is_empty())
    }

    fn add_headers(&self, connection: &mut Connection) -> Result<(), Failure> {
        for (flag, with, headers) in [
            ("--header", HeaderOf::All, &self.header),
            ("--header-upload", HeaderOf::Uploads, &self.header_upload),
            ("--header-download", HeaderOf::Downloads, &self.header_download),
        ] {
            for header in headers {
                let wrong = |why: String| Failure::usage(format!("{flag}: {why}"));
                let (name, value) = split(header).ok_or_else(|| wrong("write 'NAME: VALUE'".into()))?;
                connection.send(with, name, value).map_err(wrong)?;
            }
        }
        Ok(())
    }
}

/// Splits a header into its name and its value, as rclone does.
fn split(header: &str) -> Option<(&str, &str)> {
    let (name, value) = header.split_once(':')?;
    Some((name.trim(), value.trim()))
}

/// Returns the address that a name of this machine means.
fn address_of(name: &str) -> Result<IpAddr, Failure> {
    if let Ok(address) = name.parse() {
        return Ok(address);
    }
    let wrong = || Failure::usage(format!("--bind: '{name}' is not the name of one address"));
    let found = (name, 0).to_socket_addrs().map_err(|error| wrong().why(error))?;
    let mut found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [address] => Ok(*address),
        all => Err(wrong().why(format!("it has {}", all.len()))),
    }
}

fn read(flag: &str, file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| unusable(flag, file).why(error))
}

fn unusable(flag: &str, file: &Path) -> Failure {
    Failure::new(format!("{flag}: could not use '{}'", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_split_as_rclone_splits_them() {
        for (header, parts) in [
            ("X-A: b c", Some(("X-A", "b c"))),
            ("X-A:b:c", Some(("X-A", "b:c"))),
            ("X-A:", Some(("X-A", ""))),
            ("X-A", None),
        ] {
            assert_eq!(split(header), parts, "{header}");
        }
    }

    #[test]
    fn addresses_and_half_an_identity() {
        assert_eq!(address_of("127.0.0.1").unwrap().to_string(), "127.0.0.1");
        assert_eq!(address_of("::1").unwrap().to_string(), "::1");
        assert!(address_of("no such name").is_err());
        let half = NetworkFlags {
            client_cert: Some("/nothing".into()),
            ..NetworkFlags::default()
        };
        assert!(half.connection().is_err());
    }
}
