//! The file that a trainer's `profile` writes.

use super::json::Json;

/// What was measured, and on what.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Which network.
    pub network: String,
    /// `avx512`, `avx2`, `portable`
    pub isa: String,
    /// Threads of the team.
    pub threads: u64,
    /// Rows of the batch.
    pub rows: u64,
    /// How many calls the medians are of.
    pub steps: u64,
    /// Multiplications and additions that the machine can do, 10⁹ a second.
    pub gflops: f64,
    /// Bytes that it can read, 10⁹ a second.
    pub memory: f64,
    /// Kernel by kernel.
    pub kernels: Vec<Measured>,
}

/// The time of one kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Of which function.
    pub function: String,
    /// Which one, in order.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// The median, in nanoseconds.
    pub nanos: f64,
}

/// Reads the text of such a file.
///
/// # Errors
/// Which line is not what it has to be.
pub(super) fn read(text: &str) -> Result<Profile, String> {
    let mut lines = text.lines();
    match lines.next().map(|line| line.split('\t').collect::<Vec<_>>()).as_deref() {
        Some(["kiln-profile", "1"]) => {}
        Some(["kiln-profile", version]) => return Err(format!("version {version} of the format is not known here")),
        _ => return Err("this is no profile: its first line is not `kiln-profile`, tab, `1`".to_string()),
    }
    let mut profile = Profile {
        network: String::new(),
        isa: String::new(),
        threads: 0,
        rows: 0,
        steps: 0,
        gflops: 0.0,
        memory: 0.0,
        kernels: Vec::new(),
    };
    for (place, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        field(&mut profile, line).ok_or_else(|| format!("line {} of the profile can't be read: {line}", place + 2))?;
    }
    let missing = [
        ("network", profile.network.is_empty()),
        ("rows", profile.rows == 0),
        ("fma_gflops", profile.gflops == 0.0),
        ("memory_gbs", profile.memory == 0.0),
    ];
    match missing.into_iter().find(|(_, missing)| *missing) {
        Some((name, _)) => Err(format!("the profile has no line `{name}`")),
        None => Ok(profile),
    }
}

/// Takes one line in. Lines of a name that is not known are for later versions.
fn field(profile: &mut Profile, line: &str) -> Option<()> {
    let cells: Vec<&str> = line.split('\t').collect();
    let positive = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    match cells.as_slice() {
        ["network", name] => profile.network = (*name).to_string(),
        ["isa", name] => profile.isa = (*name).to_string(),
        ["threads", count] => profile.threads = count.parse().ok()?,
        ["rows", count] => profile.rows = count.parse().ok().filter(|&count| count > 0)?,
        ["steps", count] => profile.steps = count.parse().ok()?,
        ["fma_gflops", rate] => profile.gflops = positive(rate)?,
        ["memory_gbs", rate] => profile.memory = positive(rate)?,
        ["kernel", function, index, name, nanos] => profile.kernels.push(Measured {
            function: (*function).to_string(),
            index: index.parse().ok()?,
            name: (*name).to_string(),
            nanos: nanos.parse().ok().filter(|nanos: &f64| nanos.is_finite() && *nanos >= 0.0)?,
        }),
        ["kernel" | "network" | "isa" | "threads" | "rows" | "steps" | "fma_gflops" | "memory_gbs", ..] => return None,
        _ => {}
    }
    Some(())
}

impl From<&Profile> for Json {
    fn from(profile: &Profile) -> Self {
        let kernel = |one: &Measured| {
            Self::Object(vec![
                ("function", (&one.function).into()),
                ("index", one.index.into()),
                ("name", (&one.name).into()),
                ("nanos", one.nanos.into()),
            ])
        };
        Self::Object(vec![
            ("network", (&profile.network).into()),
            ("isa", (&profile.isa).into()),
            ("threads", profile.threads.into()),
            ("rows", profile.rows.into()),
            ("steps", profile.steps.into()),
            ("gflops", profile.gflops.into()),
            ("memory", profile.memory.into()),
            ("kernels", Self::list(&profile.kernels, kernel)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "kiln-profile\t1\nnetwork\tNet\nisa\tavx2\nthreads\t1\nrows\t128\nsteps\t50\nfma_gflops\t123.4\n\
                        memory_gbs\t14.2\nlater\tthing\nkernel\tstep\t0\tconv\t1200\n";

    #[test]
    fn a_profile_is_read() {
        let profile = read(GOOD).unwrap();
        assert_eq!((profile.network.as_str(), profile.rows, profile.gflops), ("Net", 128, 123.4));
        let conv = Measured { function: "step".into(), index: 0, name: "conv".into(), nanos: 1200.0 };
        assert_eq!(profile.kernels, [conv]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let error = |text: &str| read(text).unwrap_err();
        assert!(error("").contains("no profile"));
        assert!(error("kiln-profile\t7\n").contains("version 7"));
        assert!(error(&GOOD.replace("\t1200", "")).contains("line 10"), "{}", error(&GOOD.replace("\t1200", "")));
        assert!(error(&GOOD.replace("123.4", "-1")).contains("line 7"));
        assert!(error(&GOOD.replace("rows\t128\n", "")).contains("no line `rows`"));
    }
}
