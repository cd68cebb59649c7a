//! Names of parameters and layers: `hidden.weight`, `features.0.bias`, `block.1.conv.weight`.
//!
//! A `let` is a group. Each layer with parameters and each call of a block with parameters made in it is a
//! member; one alone has no index, unless a loop made it. A call of a block is a frame of groups of its own.

use std::collections::BTreeMap;

/// A set of groups: the network's body, or one call of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FrameId(usize);

/// A layer, a block's call or a parameter that stands by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberId(usize);

#[derive(Debug)]
struct Frame {
    /// The group that its member belongs to, and whether a loop made it; `None` for the network's body.
    origin: Option<(FrameId, String, bool)>,
    /// Made with the first parameter, so that blocks without parameters don't count.
    member: Option<MemberId>,
}

#[derive(Debug)]
struct Group {
    frame: FrameId,
    name: String,
    members: usize,
    looped: bool,
}

#[derive(Debug)]
enum Member {
    Counted {
        group: usize,
        index: usize,
    },
    /// `name = "…"`
    Named {
        frame: FrameId,
        name: String,
    },
}

/// All names of a network. They are known at its end only: a second member gives the first its index.
#[derive(Debug)]
pub(super) struct Naming {
    frames: Vec<Frame>,
    groups: Vec<Group>,
    /// Groups by frame and name.
    known: BTreeMap<(FrameId, String), usize>,
    members: Vec<Member>,
}

impl Naming {
    /// The network's body alone.
    pub(super) fn new() -> Self {
        Self {
            frames: vec![Frame { origin: None, member: None }],
            groups: Vec::new(),
            known: BTreeMap::new(),
            members: Vec::new(),
        }
    }

    /// The network's body.
    pub(super) fn root() -> FrameId {
        FrameId(0)
    }

    /// A block's call made in `frame` for the group `name`.
    pub(super) fn enter(&mut self, frame: FrameId, name: &str, looped: bool) -> FrameId {
        self.frames.push(Frame { origin: Some((frame, name.to_string(), looped)), member: None });
        FrameId(self.frames.len() - 1)
    }

    /// One more member of the group `name` in `frame`.
    pub(super) fn member(&mut self, frame: FrameId, name: &str, looped: bool) -> MemberId {
        self.touch(frame);
        let groups = &mut self.groups;
        let group = *self.known.entry((frame, name.to_string())).or_insert_with(|| {
            groups.push(Group { frame, name: name.to_string(), members: 0, looped: false });
            groups.len() - 1
        });
        let index = self.groups[group].members;
        self.groups[group].members += 1;
        self.groups[group].looped |= looped;
        self.members.push(Member::Counted { group, index });
        MemberId(self.members.len() - 1)
    }

    /// A member that the user named; it joins no count.
    pub(super) fn named(&mut self, frame: FrameId, name: &str) -> MemberId {
        self.touch(frame);
        self.members.push(Member::Named { frame, name: name.to_string() });
        MemberId(self.members.len() - 1)
    }

    /// Makes a frame count in the group that it belongs to.
    fn touch(&mut self, frame: FrameId) {
        if self.frames[frame.0].member.is_some() {
            return;
        }
        if let Some((parent, name, looped)) = self.frames[frame.0].origin.clone() {
            let member = self.member(parent, &name, looped);
            self.frames[frame.0].member = Some(member);
        }
    }

    /// The name of a member.
    pub(super) fn name(&self, member: MemberId) -> String {
        match &self.members[member.0] {
            Member::Named { frame, name } => self.inside(*frame, name),
            Member::Counted { group, index } => {
                let group = &self.groups[*group];
                let name = self.inside(group.frame, &group.name);
                if group.members > 1 || group.looped { format!("{name}.{index}") } else { name }
            }
        }
    }

    /// The name of something in a frame that counts in no group.
    pub(super) fn inside(&self, frame: FrameId, name: &str) -> String {
        let frame = &self.frames[frame.0];
        match (&frame.member, &frame.origin) {
            (Some(member), _) => format!("{}.{name}", self.name(*member)),
            (None, Some((parent, group, _))) => format!("{}.{name}", self.inside(*parent, group)),
            (None, None) => name.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_has_no_index_and_a_second_gives_the_first_one() {
        let mut naming = Naming::new();
        let root = Naming::root();
        let hidden = naming.member(root, "hidden", false);
        let first = naming.member(root, "features", false);
        let second = naming.member(root, "features", false);
        assert_eq!(naming.name(hidden), "hidden");
        assert_eq!((naming.name(first), naming.name(second)), ("features.0".into(), "features.1".into()));
    }

    #[test]
    fn blocks_and_loops_add_an_index_and_the_inner_name() {
        let mut naming = Naming::new();
        let root = Naming::root();
        let empty = naming.enter(root, "h", true);
        let full = naming.enter(root, "h", true);
        let inner = naming.member(full, "conv", false);
        assert_eq!(naming.name(inner), "h.0.conv");
        assert_eq!(naming.inside(empty, "pool"), "h.pool");
        let named = naming.named(full, "special");
        assert_eq!(naming.name(named), "h.0.special");
    }
}
