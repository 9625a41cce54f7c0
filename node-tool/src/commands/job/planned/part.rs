//! Which part of a plan a process of a batch system is to carry out, by the variables that Slurm sets.

use engine::plan::shard::Part;

/// Returns the part of this process. `None` means that it is not one of several.
///
/// # Errors
/// In words, when the job array has numbers that can't be parts.
pub(super) fn here() -> Result<Option<Part>, String> {
    of(|name| std::env::var(name).ok())
}

fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Part>, String> {
    let number = |name: &str| variable(name)?.parse::<u32>().ok();
    if let Some(id) = number("SLURM_ARRAY_TASK_ID") {
        let count = number("SLURM_ARRAY_TASK_COUNT").unwrap_or(1);
        let min = number("SLURM_ARRAY_TASK_MIN").unwrap_or(0);
        let step = number("SLURM_ARRAY_TASK_STEP").unwrap_or(1).max(1);
        let index = id.checked_sub(min).map(|above| above / step);
        let part = index.and_then(|index| Part::new(index, count));
        return part.map(Some).ok_or_else(|| {
            format!(
                "task {id} of this job array can't be a part of the plan: its numbers have gaps; use --take"
            )
        });
    }
    // Only srun sets this one: in the script of a job, which is one process, the other two may be there, too.
    let count = number("SLURM_STEP_NUM_TASKS").filter(|count| *count > 1);
    let part = count.and_then(|count| Part::new(number("SLURM_PROCID")?, count));
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slurm_says_which_part_it_is() {
        const TASK: &str = "SLURM_ARRAY_TASK_ID";
        for (variables, part) in [
            (vec![], "none"),
            (vec![("SLURM_PROCID", "0"), ("SLURM_NPROCS", "4")], "none"),
            (vec![("SLURM_PROCID", "2"), ("SLURM_STEP_NUM_TASKS", "4")], "3/4"),
            (vec![("SLURM_PROCID", "0"), ("SLURM_STEP_NUM_TASKS", "1")], "none"),
            (
                vec![
                    (TASK, "5"),
                    ("SLURM_ARRAY_TASK_COUNT", "4"),
                    ("SLURM_ARRAY_TASK_MIN", "3"),
                ],
                "3/4",
            ),
            (
                vec![
                    (TASK, "15"),
                    ("SLURM_ARRAY_TASK_COUNT", "4"),
                    ("SLURM_ARRAY_TASK_MIN", "0"),
                    ("SLURM_ARRAY_TASK_STEP", "5"),
                ],
                "4/4",
            ),
            // Numbers with gaps: --array=1,3,7
            (
                vec![
                    (TASK, "7"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                ],
                "error",
            ),
            // Several tasks in a task of an array: the array counts.
            (
                vec![
                    (TASK, "1"),
                    ("SLURM_ARRAY_TASK_COUNT", "2"),
                    ("SLURM_PROCID", "3"),
                    ("SLURM_STEP_NUM_TASKS", "4"),
                ],
                "2/2",
            ),
        ] {
            let found = of(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, text)| (*text).to_owned())
            });
            let found = match found {
                Ok(Some(part)) => part.to_string(),
                Ok(None) => "none".into(),
                Err(_) => "error".into(),
            };
            assert_eq!(found, part, "{variables:?}");
        }
    }
}
