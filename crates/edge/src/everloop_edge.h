/* Everloop's models in C: open one, ask it, close it.
 *
 *     char *error = NULL;
 *     everloop_edge_model *model = everloop_edge_open("model.onnx", &error);
 *     char *answer = everloop_edge_predict(model, "[{\"age\": 41, \"plan\": \"monthly\"}]", &error);
 *     puts(answer ? answer : error);
 *     everloop_edge_free(answer);
 *     everloop_edge_close(model);
 *
 * Link with -leverloop_edge. Texts are UTF-8. What is handed out as `char *` is given back to everloop_edge_free.
 * One model may be used by several threads at once. NULL may be given everywhere.
 */
#ifndef EVERLOOP_EDGE_H
#define EVERLOOP_EDGE_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct everloop_edge_model everloop_edge_model;

/* Reads a model: an ONNX file that Everloop wrote, or a directory that holds `model.onnx`. NULL if it cannot; then *error
 * says why, if error is not NULL. */
everloop_edge_model *everloop_edge_open(const char *path, char **error);

/* Predicts for rows of JSON: an object a row, in one array or one after the other. A column that is null or absent is
 * missing; days and moments are texts of ISO 8601. The answer has an object a line. NULL if a row cannot be read; then *error says why. */
char *everloop_edge_predict(const everloop_edge_model *model, const char *rows, char **error);

void everloop_edge_free(char *text);
void everloop_edge_close(everloop_edge_model *model);

#ifdef __cplusplus
}
#endif

#endif
