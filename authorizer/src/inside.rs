//! The way from the [`door`](crate::door) to the HTTP server behind it: a Unix socket in a directory of our own where there
//! are such, so that nobody gets in past the door; loopback elsewhere.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

use tiny_http::Server;

/// An answer is waited for so long: one is held back until the login is finished.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Where the server is.
#[derive(Clone, Debug)]
pub enum Inside {
    /// A socket that only this user reaches.
    #[cfg(unix)]
    Socket(std::path::PathBuf),
    /// A port that others may find.
    Port(SocketAddr),
}

/// What goes when the server isn't needed any more.
#[derive(Debug, Default)]
pub struct Room {
    _dir: Option<tempfile::TempDir>,
}

/// Starts the server.
///
/// # Errors
/// When there is neither a directory for a socket nor a port on loopback.
pub fn start() -> io::Result<(Server, Inside, Room)> {
    #[cfg(unix)]
    if let Ok(started) = on_socket() {
        return Ok(started);
    }
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .or_else(|_| TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, 0))))?;
    let inside = Inside::Port(listener.local_addr()?);
    let server = Server::from_listener(listener, None).map_err(io::Error::other)?;
    Ok((server, inside, Room::default()))
}

#[cfg(unix)]
fn on_socket() -> io::Result<(Server, Inside, Room)> {
    let dir = tempfile::Builder::new()
        .prefix("authorizer-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .tempdir()?;
    let path = dir.path().join("http");
    let listener = std::os::unix::net::UnixListener::bind(&path)?;
    let server = Server::from_listener(listener, None).map_err(io::Error::other)?;
    Ok((server, Inside::Socket(path), Room { _dir: Some(dir) }))
}

impl Inside {
    /// Hands a request in and gives the answer.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn ask(&self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut answer = Vec::new();
        match self {
            #[cfg(unix)]
            Self::Socket(path) => {
                let mut stream = std::os::unix::net::UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.write_all(request)?;
                stream.shutdown(Shutdown::Write)?; // no body is taken
                stream.read_to_end(&mut answer)?;
            }
            Self::Port(address) => {
                let mut stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.write_all(request)?;
                stream.shutdown(Shutdown::Write)?;
                stream.read_to_end(&mut answer)?;
            }
        }
        Ok(answer)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_gets_in() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_server, inside, room) = on_socket().unwrap();
        let Inside::Socket(path) = inside else {
            panic!("a port")
        };
        let dir = path.parent().unwrap().to_owned();
        assert_eq!(dir.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        drop(room);
        assert!(!dir.exists(), "nothing is left behind");
    }
}
