//! The sandbox by hand: a strict Dropbox on loopback. Prints one line of JSON when it is ready.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use sandbox::{APP_KEY, APP_SECRET, NetworkModel, Sandbox, dump_schema};
use serde_json::json;

/// Serve a strict Dropbox on loopback until interrupted
#[derive(Parser)]
struct Args {
    /// Port of the plain address that stands for all hosts; 0 picks one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Key of the one app
    #[arg(long, default_value = APP_KEY)]
    app_key: String,
    /// Secret of the one app
    #[arg(long, default_value = APP_SECRET)]
    app_secret: String,
    /// One more registered redirect URI
    #[arg(long)]
    redirect_uri: Vec<String>,
    /// An app for whole teams
    #[arg(long)]
    team_app: bool,
    /// A member of a team with a team space
    #[arg(long)]
    team: bool,
    /// Where large content is kept
    #[arg(long)]
    state_dir: Option<PathBuf>,
    /// Speak TLS at Dropbox's host names too, and write ca.pem into this directory
    #[arg(long)]
    tls_dir: Option<PathBuf>,
    /// Where to speak TLS
    #[arg(long, default_value = "127.0.0.1:443")]
    tls_addr: SocketAddr,
    /// Most bytes of request headers
    #[arg(long)]
    header_limit: Option<usize>,
    /// Most entries on a page of a listing
    #[arg(long)]
    page_limit: Option<usize>,
    /// Calls take their time as on a university's network
    #[arg(long)]
    campus: bool,
    /// End when stdin ends
    #[arg(long)]
    until_eof: bool,
    /// Print what each route takes, as JSON, and end
    #[arg(long)]
    dump_schema: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut out = std::io::stdout();
    if args.dump_schema {
        writeln!(out, "{}", serde_json::to_string_pretty(&dump_schema())?)?;
        return Ok(());
    }
    let mut builder = Sandbox::builder()
        .app(&args.app_key, &args.app_secret)
        .port(args.port);
    for uri in &args.redirect_uri {
        builder = builder.redirect_uri(uri);
    }
    if args.team_app {
        builder = builder.team_app();
    }
    if args.team {
        builder = builder.team_space();
    }
    if let Some(dir) = &args.state_dir {
        builder = builder.state_dir(dir);
    }
    if let Some(bytes) = args.header_limit {
        builder = builder.header_limit(bytes);
    }
    if let Some(entries) = args.page_limit {
        builder = builder.page_limit(entries);
    }
    if args.campus {
        builder = builder.network(NetworkModel::campus());
    }
    if let Some(dir) = &args.tls_dir {
        builder = builder.tls(dir, args.tls_addr);
    }
    let sandbox = builder.start()?;
    let ready = json!({
        "origin": sandbox.origin(),
        "app_key": sandbox.app_key(),
        "app_secret": sandbox.app_secret(),
        "tls": sandbox.tls_addr().map(|addr| addr.to_string()),
        "ca": args.tls_dir.map(|dir| dir.join("ca.pem")),
    });
    writeln!(out, "{ready}")?;
    out.flush()?;
    if args.until_eof {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}
