# In all scripts of the package.

say() {
    echo "etcd-lifeboat: $*" >&2
}

has_systemd() {
    [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]
}

# The units of all agents on this host that run, or try to.
running_agents() {
    has_systemd || return 0
    systemctl list-units --all --plain --no-legend --state=active,activating,reloading \
        lifeboat.service 'lifeboat@*.service' | awk '{ print $1 }'
}

# lifeboat.service: /etc/etcd-lifeboat/config.yaml; lifeboat@NAME.service: NAME.yaml beside it.
config_of() {
    case "$1" in
    lifeboat@*)
        instance=${1#lifeboat@}
        echo "/etc/etcd-lifeboat/${instance%.service}.yaml"
        ;;
    *) echo /etc/etcd-lifeboat/config.yaml ;;
    esac
}

# The restore that the agent of a unit says is under way, or nothing.
active_restore() {
    timeout 20 lifeboat --config "$(config_of "$1")" restore status -o json 2>/dev/null |
        /usr/lib/etcd-lifeboat/node /usr/lib/etcd-lifeboat/active-restore.mjs || true
}

# The files that keep etcd from being started, where there are any.
holds() {
    for hold in /var/lib/etcd-lifeboat/hold /var/lib/etcd-lifeboat-*/hold; do
        if [ -e "$hold" ]; then echo "$hold"; fi
    done
}
