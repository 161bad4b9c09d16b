//! The text of a stage that is added to a `dvc.yaml`: keys in DVC's order, what is read in that of the paths.

use super::emit;
use super::value::Value;

/// A stage as people ask for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewStage {
    /// Its name.
    pub name: String,
    /// What it runs, command by command.
    pub commands: Vec<String>,
    /// The directory that it runs in, if not that of the file.
    pub wdir: Option<String>,
    /// What it reads.
    pub deps: Vec<String>,
    /// Parameters: `lr,epochs` of `params.yaml`, or `file:lr,epochs`; `file:` stands for the whole file.
    pub params: Vec<String>,
    /// What it makes.
    pub outs: Vec<NewOut>,
    /// Whether it runs every time.
    pub is_always_changed: bool,
    /// What it is for.
    pub desc: Option<String>,
}

/// What a new stage makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOut {
    /// The path.
    pub path: String,
    /// The key that it stands under: `outs`, `metrics` or `plots`.
    pub list: &'static str,
    /// Whether it is kept in the cache.
    pub is_cached: bool,
    /// Whether it stays in place when the stage runs.
    pub is_persistent: bool,
}

impl NewStage {
    /// The text of the stage as an entry of `stages:`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut entries = Vec::new();
        let mut put = |key: &str, value: Value| entries.push((text(key), value));
        if let Some(desc) = &self.desc {
            put("desc", text(desc));
        }
        match self.commands.as_slice() {
            [command] => put("cmd", text(command)),
            commands => put("cmd", texts(commands)),
        }
        if let Some(wdir) = &self.wdir {
            put("wdir", text(wdir));
        }
        let mut deps = self.deps.clone();
        deps.sort();
        deps.dedup();
        if !deps.is_empty() {
            put("deps", texts(&deps));
        }
        let params = self.params();
        if !params.is_empty() {
            put("params", Value::List(params));
        }
        for list in ["outs", "metrics", "plots"] {
            let mut outs: Vec<&NewOut> = self.outs.iter().filter(|out| out.list == list).collect();
            outs.sort_by(|one, other| one.path.cmp(&other.path));
            if !outs.is_empty() {
                put(
                    list,
                    Value::List(outs.into_iter().map(NewOut::value).collect()),
                );
            }
        }
        if self.is_always_changed {
            put("always_changed", Value::Boolean(true));
        }
        let stage = Value::Map(vec![(text(&self.name), Value::Map(entries))]);
        let whole = emit::write_map(&[(text("stages"), stage)], 0);
        whole
            .split_once('\n')
            .map_or("", |(_, rest)| rest)
            .to_owned()
    }

    /// Those of `params.yaml` first, then files in their order.
    fn params(&self) -> Vec<Value> {
        let mut files: Vec<(String, Vec<String>)> = Vec::new();
        for param in &self.params {
            let (file, keys) = param.rsplit_once(':').unwrap_or(("", param));
            let file = match file {
                "" => super::DEFAULT_PARAMS,
                file => file,
            };
            let keys = keys.split(',').filter(|key| !key.is_empty());
            let keys: Vec<String> = keys.map(str::to_owned).collect();
            match files.iter_mut().find(|(known, _)| known == file) {
                Some((_, known)) => known.extend(keys),
                None => files.push((file.to_owned(), keys)),
            }
        }
        files.sort_by_key(|(file, _)| (file != super::DEFAULT_PARAMS, file.clone()));
        let mut params = Vec::new();
        for (file, mut keys) in files {
            keys.sort();
            keys.dedup();
            if file == super::DEFAULT_PARAMS && !keys.is_empty() {
                params.extend(keys.iter().map(|key| text(key)));
            } else {
                let keys = if keys.is_empty() {
                    Value::Null
                } else {
                    texts(&keys)
                };
                params.push(Value::Map(vec![(text(&file), keys)]));
            }
        }
        params
    }
}

impl NewOut {
    fn value(&self) -> Value {
        let mut said = Vec::new();
        if !self.is_cached {
            said.push((text("cache"), Value::Boolean(false)));
        }
        if self.is_persistent {
            said.push((text("persist"), Value::Boolean(true)));
        }
        if said.is_empty() {
            return text(&self.path);
        }
        Value::Map(vec![(text(&self.path), Value::Map(said))])
    }
}

fn text(words: &str) -> Value {
    Value::Text(words.to_owned())
}

fn texts(words: &[String]) -> Value {
    Value::List(words.iter().map(|word| text(word)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `dvc stage add` of 3.67.1 writes for the same.
    #[test]
    fn a_stage_is_written_as_dvc_does() {
        let out = |path: &str, list, is_cached, is_persistent| NewOut {
            path: path.to_owned(),
            list,
            is_cached,
            is_persistent,
        };
        let stage = NewStage {
            name: "three".to_owned(),
            commands: vec!["cp b d1 && echo 1".to_owned()],
            deps: vec!["b".to_owned(), "a".to_owned()],
            params: vec![
                "x.yaml:b,a".to_owned(),
                "lr".to_owned(),
                "y.yaml:".to_owned(),
            ],
            outs: vec![
                out("d1", "outs", true, false),
                out("p1", "outs", true, true),
                out("m2.json", "metrics", false, false),
            ],
            is_always_changed: true,
            desc: Some("hello".to_owned()),
            ..NewStage::default()
        };
        let expected = "  three:
    desc: hello
    cmd: cp b d1 && echo 1
    deps:
    - a
    - b
    params:
    - lr
    - x.yaml:
      - a
      - b
    - y.yaml:
    outs:
    - d1
    - p1:
        persist: true
    metrics:
    - m2.json:
        cache: false
    always_changed: true
";
        assert_eq!(stage.text(), expected);
    }
}
