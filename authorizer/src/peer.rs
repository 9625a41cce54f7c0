//! Finds out whose program is at the other end of a connection on this computer; only Linux tells.

use std::net::SocketAddr;

/// The owner of the program at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
pub(crate) enum Peer {
    /// The user of this process, or root.
    Own,
    /// Another user of this computer.
    Other,
    /// Not known: on another system, or for a connection that was forwarded from elsewhere.
    Unknown,
}

/// Returns who is at the other end of a connection between `far` and `near`.
#[cfg(target_os = "linux")]
pub(crate) fn of(far: SocketAddr, near: SocketAddr) -> Peer {
    let me = rustix::process::geteuid().as_raw();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let owner = tables
        .iter()
        .find_map(|table| owner(&std::fs::read_to_string(table).ok()?, far, near));
    match owner {
        // With `sudo`, the browser may run as another user than root.
        Some(_) if me == 0 => Peer::Own,
        Some(uid) if uid == me || uid == 0 => Peer::Own,
        Some(_) => Peer::Other,
        None => Peer::Unknown,
    }
}

/// Returns [`Peer::Unknown`].
#[cfg(not(target_os = "linux"))]
pub(crate) fn of(_far: SocketAddr, _near: SocketAddr) -> Peer {
    Peer::Unknown
}

/// Returns the owner of the socket that is bound to `far` and connected to `near`, from a table of the kernel.
#[cfg(any(target_os = "linux", test))]
fn owner(table: &str, far: SocketAddr, near: SocketAddr) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (local, remote, uid) = (words.get(1)?, words.get(2)?, words.get(7)?);
        let is_it =
            notations(far).contains(&(*local).to_owned()) && notations(near).contains(&(*remote).to_owned());
        is_it.then(|| uid.parse().ok()).flatten()
    })
}

/// Returns how the kernel may write an address: each four bytes as a number of this machine, in hexadecimal; an IPv4 address
/// also as IPv6.
#[cfg(any(target_os = "linux", test))]
fn notations(address: SocketAddr) -> Vec<String> {
    let hex = |bytes: &[u8]| -> String {
        let words = bytes.chunks_exact(4).map(|word| {
            let number = u32::from_ne_bytes([word[0], word[1], word[2], word[3]]);
            format!("{number:08X}")
        });
        words.collect()
    };
    let forms = match address {
        SocketAddr::V4(address) => vec![
            hex(&address.ip().octets()),
            hex(&address.ip().to_ipv6_mapped().octets()),
        ],
        SocketAddr::V6(address) => vec![hex(&address.ip().octets())],
    };
    let port = address.port();
    forms
        .into_iter()
        .map(|form| format!("{form}:{port:04X}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_owner_is_found_by_both_addresses() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:D1B4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     7        0 1 1 0
   1: 0100007F:C350 0100007F:D1B4 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0
   2: 0100007F:D1B4 0100007F:C350 01 00000000:00000000 00:00000000 00000000     8        0 3 1 0
   3: 0100007F:C351 0100007F:0050 01 00000000:00000000 00:00000000 00000000     9        0 4 1 0
   4: 0000000000000000FFFF00000100007F:C352 0000000000000000FFFF00000100007F:D1B4 01 0:0 00:0 0  1001 0 5
   5: 00000000000000000000000001000000:C350 00000000000000000000000001000000:D1B4 01 0:0 00:0 0  1002 0 6
";
        let find = |far: &str, near: &str| owner(table, far.parse().unwrap(), near.parse().unwrap());
        assert_eq!(find("127.0.0.1:50000", "127.0.0.1:53684"), Some(1000));
        assert_eq!(find("127.0.0.1:50002", "127.0.0.1:53684"), Some(1001));
        assert_eq!(find("[::1]:50000", "[::1]:53684"), Some(1002));
        assert_eq!(
            find("127.0.0.1:50001", "127.0.0.1:53684"),
            None,
            "connected to another port"
        );
        assert_eq!(find("127.0.0.1:50009", "127.0.0.1:53684"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_connection_of_ours_is_ours() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = std::net::TcpListener::bind(host) else {
                continue; // no IPv6 here
            };
            let near = listener.local_addr().unwrap();
            let stream = std::net::TcpStream::connect(near).unwrap();
            assert_eq!(of(stream.local_addr().unwrap(), near), Peer::Own);
        }
    }
}
