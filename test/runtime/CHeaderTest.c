/*===- CHeaderTest.c - halftone.h is plain C99 ----------------------------===*/
/* Compiled with -std=c99 -Wall -Wextra -pedantic -Werror. */

#include "halftone/halftone.h"

/* Called from ApiTest.cpp. Runs the example of the header on the toy. */
const char *halftoneRunFromC(const halftone_program *program, float *y);

const char *halftoneRunFromC(const halftone_program *program, float *y) {
  static float x[4] = {1, 2, 3, 4};
  static int64_t mask[1] = {1};
  float total[1], all[2];
  halftone_model *model;
  halftone_session *session;
  halftone_tensor inputs[2] = {
      {"x", HALFTONE_F32, 3, {1, 1, 4}, x, sizeof x},
      {"mask", HALFTONE_I64, 2, {1, 1}, mask, sizeof mask},
  };
  halftone_tensor outputs[3] = {
      {"y", HALFTONE_F32, 0, {0}, y, 4 * sizeof(float)},
      {"total", HALFTONE_F32, 0, {0}, total, sizeof total},
      {"all", HALFTONE_F32, 0, {0}, all, sizeof all},
  };
  if (halftone_load(program, &model) != HALFTONE_OK ||
      halftone_session_create(model, NULL, &session) != HALFTONE_OK)
    return halftone_last_error();
  halftone_status status = halftone_session_run(session, inputs, 2, outputs, 3);
  halftone_session_destroy(session);
  halftone_model_destroy(model);
  return status == HALFTONE_OK ? "" : halftone_last_error();
}
