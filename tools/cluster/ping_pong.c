/* How fast two ranks reach each other: the latency of a short message and the bandwidth of a long one,
 * in the form that predict.py takes.
 *
 *     mpicc -O2 -o ping_pong tools/cluster/ping_pong.c
 *     mpirun --hostfile hosts --map-by node -np 2 ./ping_pong
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

/* Seconds from one rank to the other, the best of ten rounds. */
static double one_way(char* buffer, int bytes, int repeats, int rank) {
  double best = 1e30;
  for (int round = 0; round < 10; ++round) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = MPI_Wtime();
    for (int i = 0; i < repeats; ++i) {
      if (rank == 0) {
        MPI_Send(buffer, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
        MPI_Recv(buffer, bytes, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      } else if (rank == 1) {
        MPI_Recv(buffer, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Send(buffer, bytes, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
      }
    }
    const double seconds = (MPI_Wtime() - start) / (2.0 * repeats);
    if (seconds < best) best = seconds;
  }
  return best;
}

int main(int argc, char** argv) {
  enum { long_message = 4 << 20 };
  int rank = 0;
  int size = 0;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (size != 2) {
    if (rank == 0) fprintf(stderr, "ping_pong: error: start it with two ranks: mpirun -np 2\n");
    MPI_Finalize();
    return 2;
  }
  char* buffer = calloc(long_message, 1);
  const double latency = one_way(buffer, 8, 1000, rank);
  const double seconds = one_way(buffer, long_message, 20, rank);
  if (rank == 0) {
    printf("--latency %.2e --bandwidth %.2e\n", latency, long_message / (seconds - latency));
  }
  free(buffer);
  MPI_Finalize();
  return 0;
}
