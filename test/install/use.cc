// SPDX-License-Identifier: Apache-2.0
// use - the public headers in C++: a world with a vat whose program is written here, opened and asked.
#include <keeve/keeve.h>
#include <keeve/value.h>
#include <keeve/client.h>
#include <keeve/vat.h>

#include <cstdio>
#include <cstring>
#include <string>

namespace {

int start(void *, keeve_vat *, const keeve_value *, void **)
{
    return 0;
}

int message(void *, keeve_vat *vat, const keeve_message *message)
{
    return keeve_vat_answer(vat, message,
                            keeve_make_string(message->method == nullptr ? "" : message->method));
}

void on_answer(void *context, const keeve_answer *answer)
{
    char text[200];

    if (answer->value != nullptr) {
        keeve_value_to_json(answer->value, text, sizeof text);
        *static_cast<std::string *>(context) = text;
    } else {
        *static_cast<std::string *>(context) = std::string("! ") + answer->why;
    }
}

} // namespace

int main(int argc, char **argv)
{
    keeve_options options = {};
    keeve_native program = {};
    keeve_kernel *kernel = nullptr;
    keeve_error error = {};
    std::string heard;

    if (argc != 2 || std::strcmp(keeve_library_version(), KEEVE_VERSION) != 0) {
        return 2;
    }
    options.size = sizeof options;
    options.directory = argv[1];
    options.native_only = true;
    program.size = sizeof program;
    program.name = "echo";
    program.start = start;
    program.message = message;
    if (keeve_open(&kernel, &options, &error) != KEEVE_OK ||
        keeve_register(kernel, &program) != KEEVE_OK) {
        std::printf("%s\n", error.text);
        return 1;
    }
    const char *config = "{\"bootstrap\":\"e\",\"vats\":{\"e\":{\"bundleName\":\"echo\","
                         "\"creationOptions\":{\"flavour\":\"native\"}}}}";
    if (keeve_launch(kernel, config, nullptr, on_answer, &heard, nullptr) != KEEVE_OK) {
        std::printf("%s\n", keeve_why(kernel));
        return 1;
    }
    while (heard.empty() && keeve_wait(kernel, -1) == KEEVE_OK) {
    }
    std::printf("%s\n", heard.c_str());
    keeve_close(kernel);
    return 0;
}
