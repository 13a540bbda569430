#include <ssd_runtime.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  ssd_program *program = NULL;
  if (ssd_program_load("no-such-file.so", &program) == SSD_OK)
    return 1;
  printf("ABI version %u\n", SSD_ABI_VERSION);
  return strlen(ssd_last_error()) == 0;
}
