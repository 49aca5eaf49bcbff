#!/usr/bin/env bash
# A Slurm cluster of two virtual nodes with two fake GPUs each, on this machine, as root, without systemd
# or cgroups.
# usage: cluster.sh start LINK | cluster.sh stop LINK
#   LINK becomes a symbolic link to the cluster's folder under /tmp, which holds everything of it:
#   export SLURM_CONF=LINK/slurm.conf
# `start` first stops what an earlier one of the same LINK left behind. Exit status 77: cannot be had here.
set -euo pipefail

action=${1:?start or stop} link=${2:?a name for the link to the folder}

# Sends a signal to all that belongs to the cluster: its daemons, known by the folder's name in their command
# lines, and theirs, known by their environment.
signal_processes() {
  local signal=$1 folder=$2 process name
  for process in /proc/[0-9]*; do
    [ "$process" != "/proc/$$" ] || continue
    name=$(cat "$process/comm" 2>/dev/null) || continue
    case $name in
      munged) tr '\0' ' ' 2>/dev/null <"$process/cmdline" | grep -F -- "=$folder/" >/dev/null || continue ;;
      slurm*) tr '\0' '\n' 2>/dev/null <"$process/environ" | grep -xF "SLURM_CONF=$folder/slurm.conf" >/dev/null || continue ;;
      *) continue ;;
    esac
    kill "-$signal" "${process#/proc/}" 2>/dev/null || true
  done
}

stop() {
  local folder
  [ -L "$link" ] || return 0
  folder=$(readlink "$link")
  if [ -d "$folder" ]; then
    export SLURM_CONF=$folder/slurm.conf
    if timeout 5 scontrol ping 2>/dev/null | grep 'is UP' >/dev/null; then
      timeout 5 scancel --full --user=root 2>/dev/null || true
      for _ in $(seq 20); do
        [ -n "$(timeout 5 squeue -h 2>/dev/null)" ] || break
        sleep 0.25
      done
      timeout 5 scontrol shutdown 2>/dev/null || true
      sleep 0.5
    fi
    signal_processes TERM "$folder"
    sleep 0.3
    signal_processes KILL "$folder"
    rm -rf "$folder"
  fi
  rm -f "$link"
}

# The first of a row of free ports.
free_ports() {
  local count=$1 first port free
  for _ in $(seq 100); do
    first=$((20000 + RANDOM % 12000)) free=1
    for ((port = first; port < first + count; ++port)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then free=0; fi
    done
    [ $free = 0 ] || { echo "$first"; return; }
  done
  return 1
}

case $action in
  start)
    [ "$(id -u)" = 0 ] || { echo "skipped: a cluster for the tests needs root"; exit 77; }
    for tool in slurmctld slurmd munged sbatch srun; do
      command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (slurm-wlm, munge)"; exit 77; }
    done
    stop
    ;;
  stop) stop; exit 0 ;;
  *) echo "cluster.sh: unknown action '$action'" >&2; exit 2 ;;
esac

folder=$(mktemp -d /tmp/peakbench-slurm-XXXXXX)
chmod 0755 "$folder"
ln -sfn "$folder" "$link"
host=$(hostname -s) port=$(free_ports 3)
mkdir -p "$folder"/{state,log,spool_n1,spool_n2,tmp_n1,tmp_n2,dev,munge}
for i in 0 1; do # any character device will do
  mknod "$folder/dev/gpu$i" c 1 3 2>/dev/null || ln -s /dev/null "$folder/dev/gpu$i"
done

head -c 128 /dev/urandom >"$folder/munge/key"
chown -R munge: "$folder/munge"
chmod 0400 "$folder/munge/key"
runuser -u munge -- /usr/sbin/munged --force --key-file="$folder/munge/key" --socket="$folder/munge/sock" \
  --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" --seed-file="$folder/munge/seed" 2>/dev/null

# cred_expire: a requeued job waits that long before it starts again (default: 120 s).
cat >"$folder/slurm.conf" <<CONF
ClusterName=peakbench-test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmdUser=root
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket=$folder/munge/sock,cred_expire=5
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool_%n
TmpFS=$folder/tmp_%n
SlurmctldPidFile=$folder/ctld.pid
SlurmdPidFile=$folder/d_%n.pid
SlurmctldLogFile=$folder/log/ctld.log
SlurmdLogFile=$folder/log/d_%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=20
MpiDefault=none
MailProg=/bin/true
GresTypes=gpu
NodeName=n[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + 1))-$((port + 2)) CPUs=4 RealMemory=2000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
printf 'AutoDetect=off\nNodeName=n[1-2] Name=gpu File=%s/dev/gpu[0-1]\n' "$folder" >"$folder/gres.conf"

export SLURM_CONF=$folder/slurm.conf
for daemon in "slurmctld -c" "slurmd -N n1" "slurmd -N n2"; do
  $daemon </dev/null >>"$folder/log/start.log" 2>&1
done
until [ $SECONDS -gt 100 ]; do
  if [ "$(timeout 5 sinfo -h -o %T 2>/dev/null | sort -u)" = idle ]; then
    : >"$folder/ready"
    exit 0
  fi
  sleep 0.2
done
echo "the nodes did not come up:" >&2
tail -n 20 "$folder"/log/*.log >&2
stop
exit 1
