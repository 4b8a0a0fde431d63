// SPDX-License-Identifier: MIT
#include <multitudes/model/document_rows.hpp>

#include <doctest/doctest.h>

#include <vector>

using namespace multitudes;

TEST_CASE("documents lie end to end in the order in which they came") {
  model::document_rows rows;
  CHECK(rows.size() == 0);
  CHECK(rows.longest() == 0);
  rows.reserve(6, 2);
  rows.append(std::vector<token_id>{token_id(5), token_id(6)});
  rows.append(std::vector<token_id>{});
  rows.append(std::vector<token_id>{token_id(7)});
  rows.append(std::vector<token_id>{token_id(8), token_id(9), token_id(5)});
  CHECK(rows.size() == 6);
  CHECK(rows.longest() == 3);
  REQUIRE(rows.documents().size() == 3);
  CHECK(rows.documents()[0].first == 0);
  CHECK(rows.documents()[0].n_rows == 2);
  CHECK(rows.documents()[1].first == 2);
  CHECK(rows.documents()[1].n_rows == 1);
  CHECK(rows.documents()[2].first == 3);
  CHECK(rows.documents()[2].n_rows == 3);
  const std::vector<token_id> wanted{token_id(5), token_id(6), token_id(7),
                                     token_id(8), token_id(9), token_id(5)};
  CHECK(std::ranges::equal(rows.tokens(), wanted));
}

TEST_CASE("cleared rows are as new") {
  model::document_rows rows;
  rows.append(std::vector<token_id>{token_id(5), token_id(6)});
  rows.clear();
  CHECK(rows.size() == 0);
  CHECK(rows.longest() == 0);
  CHECK(rows.documents().empty());
  rows.append(std::vector<token_id>{token_id(1)});
  CHECK(rows.documents()[0].first == 0);
  CHECK(rows.longest() == 1);
}
