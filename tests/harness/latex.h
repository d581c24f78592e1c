#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/harness/files.h"
#include "tests/harness/tool.h"

namespace vidattn::testing {

/// A document that inputs tables as a paper does.
inline std::string document(const std::string& tables, const std::string& columns) {
  return "\\documentclass[" + columns +
         "]{article}\n\\usepackage{booktabs,graphicx,multirow}\n\\begin{document}\n" + tables +
         "\\end{document}\n";
}

/// Whether there is LaTeX, with the packages of document().
inline bool has_latex() {
  return run_shell(
             "pdflatex -version && kpsewhich booktabs.sty && kpsewhich graphicx.sty && "
             "kpsewhich multirow.sty")
             .exit_code == 0;
}

/// The log of tables that compile; `columns` is onecolumn or twocolumn.
inline std::string compiled(const std::string& tables, const std::string& columns) {
  const TemporaryFolder folder;
  write_bytes(folder / "t.tex", document(tables, columns));
  const ToolResult result =
      run_shell("cd " + folder.path().string() +
                " && timeout 100 pdflatex -interaction=nonstopmode -halt-on-error t.tex");
  EXPECT_EQ(result.exit_code, 0) << result.out;
  EXPECT_TRUE(read_bytes(folder / "t.pdf").starts_with("%PDF"));
  return read_bytes(folder / "t.log");
}

}  // namespace vidattn::testing
