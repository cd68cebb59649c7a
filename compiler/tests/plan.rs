//! The plan example: what it reads and writes, and what it says of bad tables.

#[path = "../examples/plan/problem.rs"]
mod problem;

use kiln_compiler::plan::{Buffer, Effort, place_within};
use problem::Problem;

#[test]
fn a_table_is_solved() {
    let table = "id,lower,upper,size\r\nb1,0,3,4\nb2,3,9,4\nb3, 0, 9, 4\n\nb4,9,21,4\nb5,0,21,4\n";
    let problem = Problem::parse(table).unwrap();
    assert_eq!(problem.ids, ["b1", "b2", "b3", "b4", "b5"]);
    assert_eq!(problem.buffers[1], Buffer { lower: 3, upper: 9, size: 4 });
    let placement = place_within(&problem.buffers, 1, 12, Effort::THOROUGH);
    assert_eq!((placement.height, placement.lower_bound), (12, 12));
    let solved = problem.solved(&placement.offsets);
    assert_eq!(solved.lines().next(), Some("id,lower,upper,size,offset"));
    assert_eq!(solved.lines().nth(1), Some(format!("b1,0,3,4,{}", placement.offsets[0]).as_str()));
    assert_eq!(solved.lines().count(), 6);
}

#[test]
fn columns_go_by_name() {
    let problem = Problem::parse("size,id,upper,note,lower\n7,a,5,x,2").unwrap();
    assert_eq!(problem.buffers, [Buffer { lower: 2, upper: 5, size: 7 }]);
}

#[test]
fn alignment_is_kept_to_and_gaps_are_counted() {
    let problem = Problem::parse("id,lower,upper,size,alignment,gaps\na,0,9,5,8,\nb,0,9,5,8,3-4").unwrap();
    assert_eq!((problem.alignment, problem.gaps), (8, 1));
    let placement = place_within(&problem.buffers, problem.alignment, 0, Effort::BUILD);
    assert_eq!((placement.height, placement.lower_bound), (16, 16));
    let mixed = Problem::parse("id,lower,upper,size,alignment\na,0,9,5,8\nb,0,9,5,16").unwrap_err();
    assert_eq!(mixed, "3: alignment 16 after 8: it must be the same for all");
}

#[test]
fn faults_name_their_line() {
    let fault = |table: &str| Problem::parse(table).unwrap_err();
    assert!(fault("").starts_with("1: the file is empty"));
    assert!(fault("id,lower,size\na,1,2").starts_with("1: no column `upper`"));
    assert!(fault("id,lower,upper,size\n").starts_with("1: no buffers"));
    assert_eq!(fault("id,lower,upper,size\na,1,2,3\nb,1,2"), "3: 3 values for 4 columns");
    assert_eq!(fault("id,lower,upper,size\na,1,x2,3"), "2: `upper` of `x2` is not a whole number");
    assert_eq!(fault("id,lower,upper,size\na,1,2,-3"), "2: `size` of `-3` is not a whole number");
    assert_eq!(fault("id,lower,upper,size\n\na,2,2,3"), "3: upper 2 is not past lower 2");
    assert_eq!(fault("id,lower,upper,size\na,1,2,3\nb,1,2,3\na,1,2,3"), "4: the id `a` is that of line 2");
    let huge = format!("id,lower,upper,size\na,1,2,{0}\nb,1,2,{0}", usize::MAX);
    assert_eq!(fault(&huge), "3: the sizes add up to too much");
}
