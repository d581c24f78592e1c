#pragma once

#include "harness/tables/table.h"

namespace vidattn::testing {

/// A table of the paper's with one measured speedup, 2.5 ±1.2%, printed as 2.00.
inline Table measured_table() {
  PaperTable paper{.name = "1", .label = "Table 1", .title = "made", .where = "a test"};
  paper.stub = {"Length"};
  paper.columns = {"speedup"};
  paper.headings = {"Speedup"};
  paper.rows = {{.label = "short", .stub = {"5 s"}, .values = {{"2.00"}}}};
  Table table{"1", "Table 1", "made", "a test", paper};
  Cell& cell = table.add({"short", "speedup", "x"});
  cell.set_paper(paper.rows[0].values[0]);
  cell.set(Origin::model, 3);
  cell.set(Origin::skewed, 2.75);
  cell.set(Origin::measured, 2.5);
  cell.compared = Origin::measured;
  cell.error = 0.012;
  cell.notes.push_back(table.note("a note"));
  return table;
}

/// A row for each of so many methods at each of two lengths.
inline Table long_table(int methods) {
  Table table{"1", "Table 1", "many methods", "a test"};
  for (const char* length : {"5 s", "10 s"})
    for (int i = 0; i < methods; ++i) {
      const std::string method = "method " + std::to_string(i);
      table.add({length, method, "density"}).set(Origin::workload, 0.25);
      table.add({length, method, "x by FLOPs"}).set(Origin::workload, 1.5);
    }
  return table;
}

/// A row per method.
inline Table methods_table() {
  Table table{"1", "Table 1", "methods", "a test"};
  for (const char* method : {"vsa published", "sta"}) {
    table.add({"5 s", method, "density"}).set(Origin::workload, 0.25);
    table.add({"5 s", method, "ms"}).set(Origin::measured, 1234.5);
  }
  return table;
}

}  // namespace vidattn::testing
