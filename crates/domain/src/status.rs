//! The statuses of cycles, stages and runs, and the kinds of what happens in the registry.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Declares an enum of unit variants with a stable text form: its serde, SQL and display name.
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// All values, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text form.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
                    .ok_or_else(|| format!(concat!("`{}` is not a ", stringify!($name)), text))
            }
        }
    };
}

text_enum! {
    /// A stage of the loop, in the order in which they run.
    StageName {
        /// Sources are read and checked.
        Collect = "collect",
        /// Tables are prepared, features computed, rows split.
        Prepare = "prepare",
        /// A model is fitted and packaged.
        Train = "train",
        /// The candidate is scored and gated.
        Evaluate = "evaluate",
        /// The champion alias is moved.
        Deploy = "deploy",
        /// The champion is watched.
        Monitor = "monitor",
    }
}

text_enum! {
    /// How far a stage of a cycle has come.
    StageState {
        /// Not begun.
        Pending = "pending",
        /// Begun, not ended. A process that dies leaves this; the next one resumes.
        Running = "running",
        /// Ended well.
        Done = "done",
        /// Ended with an error.
        Failed = "failed",
        /// Not needed in this cycle.
        Skipped = "skipped",
    }
}

text_enum! {
    /// Why a cycle was started.
    CycleReason {
        /// The project's first cycle.
        First = "first",
        /// The schedule was due.
        Schedule = "schedule",
        /// Inputs or predictions drifted.
        Drift = "drift",
        /// Quality on arrived labels fell.
        Performance = "performance",
        /// New data arrived.
        Data = "data",
        /// A person asked.
        Manual = "manual",
    }
}

text_enum! {
    /// How a cycle ended.
    CycleOutcome {
        /// The candidate is the champion now.
        Promoted = "promoted",
        /// A gate refused the candidate.
        Rejected = "rejected",
        /// The champion was put back.
        RolledBack = "rolled_back",
        /// A stage failed.
        Failed = "failed",
        /// Nothing to do: the champion stays.
        Healthy = "healthy",
    }
}

text_enum! {
    /// The status of a run, in MLflow's words.
    RunStatus {
        /// In progress.
        Running = "RUNNING",
        /// Waiting to start.
        Scheduled = "SCHEDULED",
        /// Ended well.
        Finished = "FINISHED",
        /// Ended with an error.
        Failed = "FAILED",
        /// Stopped by somebody.
        Killed = "KILLED",
    }
}

text_enum! {
    /// What can happen in the registry and be told to webhooks, in MLflow's words: `entity.action`. A prompt is a registered
    /// model with a tag that says so.
    RegistryEvent {
        /// A model was made.
        ModelCreated = "registered_model.created",
        /// A version was made.
        VersionCreated = "model_version.created",
        /// A version got a tag.
        VersionTagSet = "model_version_tag.set",
        /// A version lost a tag.
        VersionTagDeleted = "model_version_tag.deleted",
        /// An alias was pointed at a version.
        AliasCreated = "model_version_alias.created",
        /// An alias was removed.
        AliasDeleted = "model_version_alias.deleted",
        /// A prompt was made.
        PromptCreated = "prompt.created",
        /// A version of a prompt was made.
        PromptVersionCreated = "prompt_version.created",
        /// A prompt got a tag.
        PromptTagSet = "prompt_tag.set",
        /// A prompt lost a tag.
        PromptTagDeleted = "prompt_tag.deleted",
        /// A version of a prompt got a tag.
        PromptVersionTagSet = "prompt_version_tag.set",
        /// A version of a prompt lost a tag.
        PromptVersionTagDeleted = "prompt_version_tag.deleted",
        /// An alias was pointed at a version of a prompt.
        PromptAliasCreated = "prompt_alias.created",
        /// An alias of a prompt was removed.
        PromptAliasDeleted = "prompt_alias.deleted",
        /// MLflow's gateway has spent its budget: it can be asked for, and never happens here.
        BudgetExceeded = "budget_policy.exceeded",
    }
}

impl RegistryEvent {
    /// To what it happens, and what: the parts before and after the dot.
    #[must_use]
    pub fn parts(self) -> (&'static str, &'static str) {
        self.as_str().split_once('.').unwrap_or((self.as_str(), ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip() {
        for name in StageName::ALL {
            assert_eq!(name.as_str().parse::<StageName>().unwrap(), *name);
        }
        assert_eq!(
            "rolled_back".parse::<CycleOutcome>().unwrap(),
            CycleOutcome::RolledBack
        );
    }

    #[test]
    fn events_have_two_parts() {
        for event in RegistryEvent::ALL {
            let (entity, action) = event.parts();
            assert_eq!(format!("{entity}.{action}"), event.as_str());
            assert!(!entity.is_empty() && !action.is_empty(), "{event}");
        }
    }

    #[test]
    fn names_what_it_does_not_know() {
        assert_eq!(
            "bogus".parse::<StageState>().unwrap_err(),
            "`bogus` is not a StageState"
        );
    }
}
