// Preloaded into the ranks of tests/lost_ranks.py: stops one of them (SIGSTOP) where it comes to a
// function of MPI's.
//   VIDATTN_STOP=RANK:FUNCTION  of those below; MPI_Isend counts from the first that is no sign of
//                               life, "begun" is the end of MPI_Init_thread,
//                               "ended" that of MPI_Finalize
#include <mpi.h>

#include <csignal>
#include <cstdlib>
#include <string>

namespace {

std::string rank_of_launcher() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK"})
    if (const char* rank = std::getenv(name)) return rank;
  return "";
}

void stop_at(const std::string& function) {
  const char* where = std::getenv("VIDATTN_STOP");
  if (where != nullptr && where == rank_of_launcher() + ":" + function) std::raise(SIGSTOP);
}

}  // namespace

extern "C" {

int MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
  stop_at("MPI_Init_thread");
  const int code = PMPI_Init_thread(argc, argv, required, provided);
  stop_at("begun");
  return code;
}

int MPI_Iallgather(const void* from, int sent, MPI_Datatype of, void* to, int received,
                   MPI_Datatype into, MPI_Comm ranks, MPI_Request* request) {
  stop_at("MPI_Iallgather");
  return PMPI_Iallgather(from, sent, of, to, received, into, ranks, request);
}

int MPI_Isend(const void* from, int count, MPI_Datatype of, int to, int tag, MPI_Comm ranks,
              MPI_Request* request) {
  if (count > 1) stop_at("MPI_Isend");
  return PMPI_Isend(from, count, of, to, tag, ranks, request);
}

int MPI_Finalize() {
  stop_at("MPI_Finalize");
  const int code = PMPI_Finalize();
  stop_at("ended");
  return code;
}

}  // extern "C"
