#!/bin/sh
# Makes ../golden/imports.txt with DVC 3.67.1: `imports.sh DVC > ../golden/imports.txt`. Hashes of commits differ each time.
set -e
dvc=$1
export DVC_NO_ANALYTICS=1 GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
place=$(mktemp -d)
cd "$place"
mkdir r1 && cd r1
git init -q && "$dvc" init -q
mkdir -p data/sub dir
echo 1 > data/a
echo 2 > data/sub/b
echo x > f.csv
chmod +x f.csv
echo git > dir/plain
echo é > dir/é.csv
"$dvc" add -q data f.csv dir/é.csv
git add -A && git commit -qm one && git tag v1
cd .. && mkdir -p r2/s && cd r2
git init -q && "$dvc" init -q
"$dvc" import -q ../r1 data
"$dvc" import -q ../r1 f.csv --rev v1 -o g.csv
"$dvc" import -q ../r1 dir
"$dvc" import -q ../r1 data/sub -o s/sub
"$dvc" import -q ../r1 dir/plain
"$dvc" import-url -q ../r1/data urldata
"$dvc" import-url -q ../r1/f.csv
"$dvc" import-url -q "$place/r1/dir/plain" abs
"$dvc" import-url -q --no-download ../r1/f.csv part.csv
"$dvc" import -q --no-download ../r1 f.csv -o part2.csv
for file in *.dvc s/*.dvc; do
    echo "--- $file"
    cat "$file"
done
