#!/usr/bin/env bash
# A Slurm job that trains on several machines:
#
#     sbatch tools/cluster/slurm.sh --config small.cfg --out runs/large
#
# With MICROGPT_RUN=runs/large in the environment, the same command submitted
# again goes on with that run.
#
# Set the following to your cluster; what is behind the script's name goes to
# microgpt. One rank a socket (or NUMA node) with as many threads as it has
# cores is a good start: ranks talk to each other, threads share memory.
#SBATCH --job-name=microgpt
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
# The same type of CPU on all nodes: only then are the bits the same from one
# job to the next. Most clusters name types as features.
##SBATCH --constraint=zen4
# Ten minutes before the time is over, every rank gets SIGTERM: they finish the
# step, write a checkpoint and end with 143. Submitted again, the job goes on.
#SBATCH --signal=TERM@600
set -euo pipefail

program=${MICROGPT:-microgpt}    # the same binary on every node, on a shared file system
run=${MICROGPT_RUN:-}            # a run's folder to go on with, if it is there
network=${MICROGPT_NETWORK:-}    # for Open MPI over TCP: the interfaces to use, such as 10.1.0.0/16

if [[ -n $network ]]; then
    export OMPI_MCA_btl_tcp_if_include=$network
fi

# What went on before goes on with the same arguments, but for those that say
# where a run begins.
arguments=()
if [[ -n $run && -e $run/latest.h5 ]]; then
    while (($# > 0)); do
        case $1 in
            --config | --out | --resume) shift ;;
            --config=* | --out=* | --resume=* | --overwrite) ;;
            *) arguments+=("$1") ;;
        esac
        shift || break
    done
    set -- --resume "$run"
fi
arguments+=("$@")

# srun needs Slurm's support for the MPI that microgpt was built with: "srun
# --mpi=list" shows what there is (pmix for Open MPI, pmi2 for MPICH). Without
# it, Open MPI's own mpirun finds the nodes of the job by itself.
if srun --mpi=list 2>&1 | grep -q pmix; then
    exec srun --mpi=pmix "$program" "${arguments[@]}" --threads "${SLURM_CPUS_PER_TASK:-1}"
fi
exec mpirun --map-by "slot:PE=${SLURM_CPUS_PER_TASK:-1}" --mca odls_base_sigkill_timeout 120 \
    "$program" "${arguments[@]}" --threads "${SLURM_CPUS_PER_TASK:-1}"
