//! `lsd`, `ls` and `lsl`: rclone's lines, sorted.

use sandbox::Sandbox;
use tests::test_env::TestEnv;

fn filled() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    let time = Some("2001-02-03T04:05:06Z");
    env.sandbox.put_file("/b.txt", b"hello", time)?;
    env.sandbox.put_file("/a dir/ü😀.txt", b"12345678901", time)?;
    env.sandbox.put_file("/a dir/sub/deep.txt", b"", time)?;
    env.sandbox.put_folder("/Empty")?;
    Ok(env)
}

#[test]
fn ls_and_lsl_list_files_of_all_levels() -> anyhow::Result<()> {
    let env = filled()?;
    assert_eq!(
        env.node_tool(["ls", "dbx:"])?.ok()?,
        "       11 a dir/ü😀.txt\n        0 a dir/sub/deep.txt\n        5 b.txt\n".replace(
            "       11 a dir/ü😀.txt\n        0 a dir/sub/deep.txt\n",
            "        0 a dir/sub/deep.txt\n       11 a dir/ü😀.txt\n"
        )
    );
    assert_eq!(
        env.node_tool(["lsl", "dbx:a dir"])?.ok()?,
        "        0 2001-02-03 04:05:06.000000000 sub/deep.txt\n       11 2001-02-03 04:05:06.000000000 ü😀.txt\n"
    );
    Ok(())
}

#[test]
fn lsd_lists_folders_of_one_level() -> anyhow::Result<()> {
    let env = filled()?;
    // Dropbox keeps no times of folders: rclone shows this one.
    let line = |name: &str| format!("          -1 2000-01-01 00:00:00        -1 {name}\n");
    assert_eq!(
        env.node_tool(["lsd", "dbx:"])?.ok()?,
        line("Empty") + &line("a dir")
    );
    assert_eq!(env.node_tool(["lsd", "dbx:a dir/"])?.ok()?, line("sub"));
    Ok(())
}

#[test]
fn folders_have_one_time_in_every_format() -> anyhow::Result<()> {
    let env = filled()?;
    for (args, shown) in [
        (
            vec!["lsf", "-F", "tsp", "dbx:a dir", "--dirs-only"],
            "2000-01-01 00:00:00;-1;sub/\n",
        ),
        (
            vec!["lsf", "-F", "t", "-t", "unix", "dbx:a dir", "--dirs-only"],
            "946684800\n",
        ),
        (
            vec!["lsjson", "--dirs-only", "--no-mimetype", "dbx:a dir"],
            "\"Size\":-1,\"ModTime\":\"2000-01-01T00:00:00Z\"",
        ),
        (
            vec!["lsjson", "--stat", "dbx:a dir"],
            "\"ModTime\": \"2000-01-01T00:00:00Z\"",
        ),
    ] {
        let out = env.node_tool(&args)?.ok()?;
        assert!(out.contains(shown), "{args:?}: {out}");
        assert_eq!(env.node_tool(&args)?.ok()?, out, "{args:?}");
    }
    Ok(())
}

#[test]
fn local_folders_show_their_own_time_and_size() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    std::fs::create_dir_all(env.path("here/deep"))?;
    let time = std::time::UNIX_EPOCH + std::time::Duration::new(981_173_106, 5);
    std::fs::File::open(env.path("here/deep"))?.set_modified(time)?;
    let size = std::fs::metadata(env.path("here/deep"))?.len();
    assert_eq!(
        env.node_tool(["lsd", "here"])?.ok()?,
        format!("{size:>12} 2001-02-03 04:05:06        -1 deep\n")
    );
    assert_eq!(
        env.node_tool(["lsf", "-F", "tsp", "here"])?.ok()?,
        "2001-02-03 04:05:06;-1;deep/\n"
    );
    let json = env.node_tool(["lsjson", "--no-mimetype", "here"])?.ok()?;
    assert!(
        json.contains(&format!(
            "\"Size\":{size},\"ModTime\":\"2001-02-03T04:05:06.000000005Z\""
        )),
        "{json}"
    );
    let stat = env.node_tool(["lsjson", "--stat", "here/deep"])?.ok()?;
    assert!(
        stat.contains("\"Size\": -1") && stat.contains("2001-02-03T04:05:06.000000005Z"),
        "{stat}"
    );
    Ok(())
}

#[test]
fn max_depth_says_how_deep_without_recursive() -> anyhow::Result<()> {
    let env = filled()?;
    env.sandbox.put_file("/a dir/sub/more/x", b"", None)?;
    let lines = |args: &[&str]| -> anyhow::Result<usize> {
        Ok(env
            .node_tool(args)?
            .ok()?
            .lines()
            .filter(|line| line.len() > 1)
            .count())
    };
    for (depth, folders, all) in [("1", 2, 3), ("2", 3, 5), ("0", 4, 8), ("-1", 2, 3)] {
        assert_eq!(lines(&["lsd", "dbx:", "--max-depth", depth])?, folders, "{depth}");
        assert_eq!(lines(&["lsf", "dbx:", "--max-depth", depth])?, all, "{depth}");
        assert_eq!(lines(&["lsjson", "dbx:", "--max-depth", depth])?, all, "{depth}");
    }
    assert_eq!(lines(&["lsf", "-R", "dbx:", "--max-depth", "1"])?, 3);
    Ok(())
}

#[test]
fn a_file_lists_as_itself_and_names_find_in_any_case() -> anyhow::Result<()> {
    let env = filled()?;
    assert_eq!(env.node_tool(["ls", "dbx:b.txt"])?.ok()?, "        5 b.txt\n");
    assert_eq!(
        env.node_tool(["ls", "dbx:A DIR/SUB"])?.ok()?,
        "        0 deep.txt\n"
    );
    Ok(())
}

#[test]
fn what_is_missing_is_named() -> anyhow::Result<()> {
    let env = filled()?;
    for verb in ["lsd", "ls", "lsl"] {
        let err = env.node_tool([verb, "dbx:no such"])?.fails(3)?;
        assert!(err.contains("no such"), "{err}");
    }
    let err = env.node_tool(["ls", "dbz:"])?.fails(1)?;
    assert!(err.contains("dbz") && err.contains("dbx:"), "{err}");
    Ok(())
}

#[test]
fn short_and_empty_pages_lose_nothing() -> anyhow::Result<()> {
    let env = TestEnv::with(Sandbox::builder().page_limit(7))?;
    env.connect("dbx")?;
    for n in 0..100 {
        env.sandbox
            .put_file(&format!("/d{}/f{n:03}", n % 9), b"x", None)?;
    }
    let out = env.node_tool(["ls", "dbx:"])?.ok()?;
    assert_eq!(out.lines().count(), 100);
    let names: Vec<&str> = out.lines().map(|line| &line[10..]).collect();
    assert!(names.is_sorted(), "{out}");
    Ok(())
}

#[test]
fn names_get_their_case_from_the_folders_themselves() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/Data/Run/one", b"1", None)?;
    env.sandbox.put_file("/data/RUN/two", b"2", None)?;
    assert_eq!(
        env.node_tool(["ls", "dbx:"])?.ok()?,
        "        1 Data/Run/one\n        1 Data/Run/two\n"
    );
    Ok(())
}

#[test]
fn a_closed_pipe_is_no_error() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for n in 0..3000 {
        env.sandbox.put_file(&format!("/{n:0200}"), b"", None)?;
    }
    let mut command = std::process::Command::new("bash");
    env.isolate(&mut command);
    let program = tests::programs::program("node-tool")?;
    command.arg("-c").arg(format!(
        "set -o pipefail; {} ls dbx: | head -1; echo ${{PIPESTATUS[0]}}",
        program.display()
    ));
    let end = tests::test_env::run(command, "")?;
    assert_eq!(end.err, "");
    assert!(
        end.out.ends_with("\n0\n") || end.out.ends_with("\n141\n"),
        "{}",
        end.out
    );
    Ok(())
}
