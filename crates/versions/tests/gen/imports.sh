export DVC_NO_ANALYTICS=1 DVC_SITE_CACHE_DIR=/tmp/h/imp/site GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t
D="nice -n 5 /root/.cache/everloop-xtask/venv/bin/dvc"
mkdir r1; cd r1; git init -q; $D init -q; mkdir -p data/sub dir; echo 1 > data/a; echo 2 > data/sub/b; echo x > f.csv; chmod +x f.csv; echo git > dir/plain; echo é > dir/é.csv
$D add -q data f.csv dir/é.csv; git add -A; git commit -qm one; git tag v1; cd ..
mkdir r2; cd r2; git init -q; $D init -q; 
$D import -q ../r1 data; $D import -q ../r1 f.csv --rev v1 -o g.csv;  $D import -q ../r1 dir; mkdir s; $D import -q ../r1 data/sub -o s/sub; $D import -q ../r1 dir/plain
$D import-url -q ../r1/data urldata;  $D import-url -q ../r1/f.csv; $D import-url -q /tmp/h/imp/r1/dir/plain abs; $D import-url -q --no-download ../r1/f.csv part.csv; $D import -q --no-download ../r1 f.csv -o part2.csv
for f in *.dvc s/*.dvc; do echo "--- $f"; cat $f; done; git status --short; cat .gitignore
$D list ../r1 -R --json; $D list ../r1 --json; $D list ../r1 dir --json;  $D list ../r1 --dvc-only -R; $D status
