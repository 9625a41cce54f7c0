//! `authorizer --ssh DESTINATION NAME`: makes a login and hands its grant to node-tool on the login node, through ssh.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use shared::{endpoints::Endpoints, failure::Failure, remote::check_name};

use crate::{
    cli::Cli,
    command_line,
    hints::Destination,
    login::{self, Done, Login},
    output, paste,
    signals::Signals,
    ssh::{self, Node},
};

/// Connects the login node at `destination`.
///
/// # Errors
/// When the command line is wrong, the login fails, or the login node can't use the grant.
pub(crate) fn run(
    cli: &Cli,
    destination: &str,
    endpoints: &Endpoints,
    signals: &Signals,
) -> Result<(), Failure> {
    let name = check_name(&cli.subject).map_err(Failure::usage)?;
    if cli.words().len() > 1 {
        return Err(Failure::usage(
            "with --ssh one word is expected: the name of the account on the login node",
        )
        .next(command_line::authorizer(&["--ssh", destination, &name]))
        .hint("the app key goes after --app-key"));
    }
    let deadline = Instant::now() + cli.timeout;
    let to = Destination::Ssh(destination.to_owned(), name.clone());
    let callback = login::listen(signals, &to)?; // a busy port should be known before a password is typed
    output::note(&format!("Asking node-tool on {destination} …"));
    let call = ssh::Call {
        destination,
        ssh: &cli.ssh_command,
        node_tool: &cli.remote_command,
        name: &name,
        app_key: cli.app_key.as_deref(),
    };
    let mut node = Node::call(call, Arc::clone(&signals.stop), deadline)?;
    let pairing = node.pairing(&signals.caught)?;
    output::note(&format!(
        "It will connect {name}: on {destination} to the Dropbox of your browser, through the app {}{}.",
        pairing.app_key,
        if cli.app_key.is_some() {
            ""
        } else {
            ", which that node names"
        }
    ));
    let login = Login {
        app_key: &pairing.app_key,
        challenge: Some(&pairing.challenge),
        start_browser: !cli.no_browser,
        deadline,
        stop: &signals.stop,
        destination: &to,
    };
    let mut node = Some(node);
    let done = login.run(endpoints, &callback, |code| {
        if let Some(node) = node.take() {
            let grant = paste::one_time_grant(&pairing.app_key, &pairing.challenge, code);
            node.connect(&grant, &signals.caught)?;
        }
        Ok(Done {
            title: format!("{name}: is connected on {destination}"),
            text: "Nothing is left to do here. You can close this tab.".into(),
        })
    });
    match (done, node) {
        (Ok(()), _) => {
            output::note(&format!(
                "\n{name}: is ready on {destination}. Try there:\n  node-tool lsd {name}:"
            ));
            Ok(())
        }
        // The browser never came back because the login node went away.
        (Err(_), Some(mut node)) if signals.stop.load(Ordering::Relaxed) => Err(node.ended(&signals.caught)),
        (Err(failure), _) => Err(failure),
    }
}
