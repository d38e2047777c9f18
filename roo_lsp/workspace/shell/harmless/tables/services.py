"""Containers, clusters, infrastructure and code hosts: what only looks.

What names another server or another set of credentials (`--kubeconfig`, `--context`, `-H`,
`--config`, `--repo`), writes a file (`-o=FILE`, `-out`, `--output-file`), opens a browser, reads its
input from a file, or changes anything, is left out.
"""

ROWS = r"""
docker, podman, nerdctl : : reads booleans : docker --help, Docker 28.2
    -v --version
docker ps, podman ps, nerdctl ps : : reads booleans : docker ps --help, Docker 28.2
    -a --all -f=TEXT --filter=TEXT --format=TEXT -n=N --last=N -l --latest --no-trunc -q --quiet -s
    --size
docker container, docker image, docker volume, docker network, docker system : : reads booleans : docker container --help, Docker 28.2
docker container ls, docker container list, docker container ps : : reads booleans : docker container ls --help, Docker 28.2
    -a --all -f=TEXT --filter=TEXT --format=TEXT -n=N --last=N -l --latest --no-trunc -q --quiet -s
    --size
docker logs, podman logs, nerdctl logs, docker container logs : NAME : reads booleans : docker logs --help, Docker 28.2
    --details -f --follow --since=TEXT -n=N|all --tail=N|all -t --timestamps --until=TEXT
docker images, podman images, nerdctl images, docker image ls : NAME? : reads booleans : docker images --help, Docker 28.2
    -a --all --digests -f=TEXT --filter=TEXT --format=TEXT --no-trunc -q --quiet --tree
docker inspect, podman inspect, nerdctl inspect, docker container inspect, docker image inspect : NAME* : reads booleans : docker inspect --help, Docker 28.2
    -f=TEXT --format=TEXT -s --size --type=NAME
docker image history, docker history : NAME : reads booleans : docker history --help, Docker 28.2
    --format=TEXT -H --human --no-trunc -q --quiet
docker top, docker container top : NAME : reads booleans : docker top --help, Docker 28.2
docker port, docker container port, docker diff, docker container diff : NAME NAME? : reads booleans : docker port --help, Docker 28.2
docker stats, docker container stats : NAME* : reads booleans : docker stats --help, Docker 28.2
    -a --all --format=TEXT --no-stream --no-trunc
docker volume ls, docker network ls : : reads booleans : docker volume ls --help, Docker 28.2
    -f=TEXT --filter=TEXT --format=TEXT -q --quiet --no-trunc
docker volume inspect, docker network inspect : NAME* : reads booleans : docker volume inspect --help, Docker 28.2
    -f=TEXT --format=TEXT -v --verbose
docker system df, docker system info : : reads booleans : docker system df --help, Docker 28.2
    --format=TEXT -v --verbose
docker version, docker info, podman version, podman info : : reads booleans : docker version --help, Docker 28.2
    -f=TEXT --format=TEXT
docker context : : reads booleans : docker context --help, Docker 28.2
docker context ls, docker context show : : reads booleans : docker context ls --help, Docker 28.2
    --format=TEXT -q --quiet
docker compose : : reads booleans : docker compose --help, Compose 2.40
docker compose ps : NAME* : reads booleans : docker compose ps --help, Compose 2.40
    -a --all --format=TEXT --no-trunc -q --quiet --services --status=NAME --filter=NAME
docker compose logs : NAME* : reads booleans : docker compose logs --help, Compose 2.40
    -f --follow --no-color --no-log-prefix --since=TEXT -n=N|all --tail=N|all -t --timestamps
    --until=TEXT --index=N
docker compose ls, docker compose version : : reads booleans : docker compose ls --help, Compose 2.40
    -a --all --format=TEXT -q --quiet --short
docker compose config : NAME* : reads booleans : docker compose config --help, Compose 2.40
    -q --quiet --services --volumes --images --profiles --hash=TEXT --format=yaml|json
docker compose top, docker compose images, docker compose port : NAME* : reads booleans : docker compose top --help, Compose 2.40
    -q --quiet
docker-compose : : reads booleans : docker-compose --help, Compose 2.40
    --version -v
docker-compose ps : NAME* : reads booleans : docker-compose ps --help, Compose 2.40
    -a --all -q --quiet --services
docker-compose logs : NAME* : reads booleans : docker-compose logs --help, Compose 2.40
    -f --follow --no-color --tail=N|all -t --timestamps --no-log-prefix
docker run, docker exec, docker build, docker rm, docker stop : : : Docker 28.2

kubectl, oc : : reads booleans : kubectl --help, Kubernetes 1.32
    -n=NAME --namespace=NAME
@kubectl : : : kubectl options, Kubernetes 1.32
    -n=NAME --namespace=NAME -A --all-namespaces --request-timeout=NAME -v=N -h --help
@selector : : : kubectl get --help, Kubernetes 1.32
    -l=TEXT --selector=TEXT --field-selector=TEXT
kubectl get, oc get : RESOURCE* : reads booleans : kubectl get --help, Kubernetes 1.32
    @kubectl @selector -o=OUTPUT --output=OUTPUT -w --watch --watch-only --ignore-not-found
    -L=NAME --label-columns=NAME --no-headers --show-labels --show-kind --show-managed-fields
    --sort-by=TEXT --chunk-size=N --allow-missing-template-keys --output-watch-events
    --server-print --subresource=NAME
kubectl describe, oc describe : RESOURCE* : reads booleans : kubectl describe --help, Kubernetes 1.32
    @kubectl @selector --show-events --chunk-size=N
kubectl logs, oc logs : NAME? NAME? : reads booleans : kubectl logs --help, Kubernetes 1.32
    @kubectl @selector -c=NAME --container=NAME --all-containers --all-pods -f --follow
    --ignore-errors --limit-bytes=N --max-log-requests=N --pod-running-timeout=NAME --prefix
    -p --previous --since=NAME --since-time=TEXT --tail=N --timestamps
kubectl top : : reads booleans : kubectl top --help, Kubernetes 1.32
kubectl top pod, kubectl top pods, kubectl top po, kubectl top node, kubectl top nodes, kubectl top no : NAME? : reads booleans : kubectl top --help, Kubernetes 1.32
    @kubectl @selector --containers --no-headers --sort-by=cpu|memory --sum --show-capacity
kubectl explain : NAME : reads booleans : kubectl explain --help, Kubernetes 1.32
    @kubectl --api-version=NAME --recursive --output=plaintext|plaintext-openapiv2
kubectl version : : reads booleans : kubectl version --help, Kubernetes 1.32
    --client -o=json|yaml --output=json|yaml
kubectl api-resources, kubectl api-versions : : reads booleans : kubectl api-resources --help, Kubernetes 1.32
    @kubectl --api-group=NAME --namespaced --no-headers -o=wide|name --output=wide|name
    --sort-by=name|kind --verbs=NAME
kubectl cluster-info, kubectl events : : reads booleans : kubectl cluster-info --help, Kubernetes 1.32
    @kubectl --for=NAME --types=NAME --no-headers -w --watch -o=OUTPUT --output=OUTPUT
kubectl config, kubectl rollout, kubectl auth : : reads booleans : kubectl config --help, Kubernetes 1.32
kubectl config current-context, kubectl config get-clusters, kubectl config get-users : : reads booleans : kubectl config --help, Kubernetes 1.32
kubectl config get-contexts : NAME? : reads booleans : kubectl config --help, Kubernetes 1.32
    --no-headers -o=name --output=name
kubectl config view : : reads booleans : kubectl config view --help, Kubernetes 1.32; --raw shows keys
    --minify --flatten=false -o=OUTPUT --output=OUTPUT
kubectl rollout status, kubectl rollout history : NAME NAME? : reads booleans : kubectl rollout status --help, Kubernetes 1.32
    @kubectl --revision=N --timeout=NAME -w --watch -o=OUTPUT
kubectl auth can-i : NAME* : reads booleans : kubectl auth can-i --help, Kubernetes 1.32
    @kubectl --list --no-headers -q --quiet --subresource=NAME
kubectl apply, kubectl delete, kubectl exec, kubectl edit, kubectl cp : : : Kubernetes 1.32
helm : : reads booleans : helm --help, Helm 3.19
helm list, helm ls : : reads booleans : helm list --help, Helm 3.19
    -A --all-namespaces -a --all -n=NAME --namespace=NAME -o=table|json|yaml --output=table|json|yaml
    -q --short --filter=TEXT --deployed --failed --pending -r --reverse -d --date -m=N --max=N
helm status, helm history : NAME : reads booleans : helm status --help, Helm 3.19
    -n=NAME --namespace=NAME -o=table|json|yaml --output=table|json|yaml --revision=N --max=N
helm version : : reads booleans : helm version --help, Helm 3.19
    --short --template=TEXT

terraform, tofu : : reads booleans : terraform -help, Terraform 1.13
    -version -help -v
terraform version, tofu version : : reads onedash booleans : terraform version -help, Terraform 1.13
    -json
terraform plan, tofu plan : : builds onedash booleans : terraform plan -help, Terraform 1.13
    -compact-warnings -concise -destroy -detailed-exitcode -input=true|false -json -lock=true|false
    -lock-timeout=NAME -no-color -parallelism=N -refresh=true|false -refresh-only -target=TEXT
    -replace=TEXT
terraform validate, tofu validate : : builds onedash booleans : terraform validate -help, Terraform 1.13
    -json -no-color -no-tests -test-directory=PATH
terraform fmt, tofu fmt : OWNPATH* : : terraform fmt -help, Terraform 1.13; writes without -check
    -check -diff -list=true|false -write=false -no-color -recursive
terraform show, tofu show : OWNPATH? : reads onedash booleans : terraform show -help, Terraform 1.13
    -json -no-color
terraform output, tofu output : NAME? : reads onedash booleans : terraform output -help, Terraform 1.13
    -json -raw -no-color
terraform state, tofu state, terraform workspace, tofu workspace : : reads booleans : terraform state -help, Terraform 1.13
terraform state list, tofu state list : TEXT* : reads onedash booleans : terraform state list -help, Terraform 1.13
    -id=NAME
terraform state show, tofu state show : TEXT : reads onedash booleans : terraform state show -help, Terraform 1.13
    -no-color
terraform workspace list, tofu workspace list, terraform workspace show, tofu workspace show : : reads booleans : terraform workspace -help, Terraform 1.13
terraform providers, tofu providers : : reads booleans : terraform providers -help, Terraform 1.13
terraform graph, tofu graph : : builds onedash booleans : terraform graph -help, Terraform 1.13
    -draw-cycles -type=plan|plan-refresh-only|plan-destroy|apply
terraform init, terraform apply, terraform destroy, terraform import, terraform console : : : Terraform 1.13

gh : : reads booleans : gh help, gh 2.83
    --version --help
gh pr, gh issue, gh run, gh workflow, gh release, gh repo, gh label, gh auth, gh search, gh cache, gh gist : : reads booleans : gh help, gh 2.83
@gh : : : gh help formatting, gh 2.83
    --json=NAME -q=JQ --jq=JQ -t=TEXT --template=TEXT -h --help
@list : : : gh pr list --help, gh 2.83
    @gh -A=NAME --author=NAME -a=NAME|@me --assignee=NAME|@me -l=TEXT --label=TEXT -L=N --limit=N
    -s=open|closed|merged|all --state=open|closed|merged|all -S=TEXT --search=TEXT
gh pr list, gh pr ls : : reads booleans : gh pr list --help, gh 2.83
    @list --app=NAME -B=NAME --base=NAME -d --draft -H=NAME --head=NAME
gh issue list, gh issue ls : : reads booleans : gh issue list --help, gh 2.83
    @list --app=NAME --mention=NAME -m=TEXT --milestone=TEXT
gh pr view, gh issue view : NAME? : reads booleans : gh pr view --help, gh 2.83
    @gh -c --comments
gh pr diff : NAME? : reads booleans : gh pr diff --help, gh 2.83
    --color=always|never|auto --name-only --patch
gh pr checks : NAME? : reads booleans : gh pr checks --help, gh 2.83
    @gh --fail-fast -i=N --interval=N --required --watch
gh pr status, gh issue status : : reads booleans : gh pr status --help, gh 2.83
    @gh --conflict-status
gh run list, gh run ls : : reads booleans : gh run list --help, gh 2.83
    @gh -a --all -b=NAME --branch=NAME -c=NAME --commit=NAME --created=TEXT -e=NAME --event=NAME -L=N
    --limit=N -s=NAME --status=NAME -u=NAME --user=NAME -w=TEXT --workflow=TEXT
gh run view : NAME? : reads booleans : gh run view --help, gh 2.83
    @gh -a=N --attempt=N --exit-status -j=NAME --job=NAME --log --log-failed -v --verbose
gh run watch : NAME? : reads booleans : gh run watch --help, gh 2.83
    --compact --exit-status -i=N --interval=N
gh workflow list, gh label list, gh release list, gh cache list, gh gist list : : reads booleans : gh workflow list --help, gh 2.83
    @gh -a --all -L=N --limit=N -S=TEXT --search=TEXT
gh workflow view, gh release view : TEXT? : reads booleans : gh workflow view --help, gh 2.83
    @gh -r=NAME --ref=NAME -y --yaml
gh repo view : NAME? : reads booleans : gh repo view --help, gh 2.83
    @gh -b=NAME --branch=NAME
gh repo list : NAME? : reads booleans : gh repo list --help, gh 2.83
    @gh --archived --fork --no-archived -l=NAME --language=NAME -L=N --limit=N --source --topic=NAME
    --visibility=public|private|internal
gh auth status : : reads booleans : gh auth status --help, gh 2.83; -t shows the token
    -a --active
gh search code, gh search issues, gh search prs, gh search repos, gh search commits : TEXT* : stdin booleans : gh search --help, gh 2.83
    @gh -L=N --limit=N --language=NAME --owner=NAME --repo=NAME --state=open|closed --author=NAME
    --sort=NAME --order=asc|desc --label=TEXT --extension=NAME --filename=TEXT
gh status : : reads booleans : gh status --help, gh 2.83
    -e=NAME --exclude=NAME -o=NAME --org=NAME
gh api, gh alias, gh extension, gh config, gh browse, gh codespace : : : gh 2.83
glab : : reads : glab --help, glab 1.74
    --version -v --help -h
systemctl : : reads : systemctl(1), systemd 257
    --version
systemctl status, systemctl is-active, systemctl is-enabled, systemctl cat : NAME* : reads : systemctl(1), systemd 257
    --no-pager -l --full -n=N --lines=N --user -q --quiet
systemctl list-units, systemctl list-timers, systemctl list-unit-files : NAME* : reads : systemctl(1), systemd 257
    --no-pager --all -a --user --state=NAME --type=NAME -t=NAME --failed --no-legend
journalctl : : reads : journalctl(1), systemd 257
    -u=NAME --unit=NAME -n=N --lines=N -f --follow -r --reverse --since=TEXT -S=TEXT --until=TEXT
    -U=TEXT --no-pager -x -e -b?=N -k --dmesg -p=NAME --priority=NAME -o=NAME --output=NAME -q --quiet
    -a --all -g=TEXT --grep=TEXT --user --disk-usage --list-boots --utc
sqlite3, psql, mysql, redis-cli : : : their shells run what they are given
    --version -version
brew, apt, apt-get, apt-cache, dpkg, rpm : : reads : their manuals
    --version
apt-cache show, apt-cache policy, apt-cache search, apt-cache depends, apt show, apt list : TEXT* : reads : apt(8), apt 2.6
    --installed --upgradable -a --names-only
brew list, brew info, brew outdated, brew deps : NAME* : reads : brew help, Homebrew 4.6
    --versions --formula --cask --json=v1|v2 --tree
"""
