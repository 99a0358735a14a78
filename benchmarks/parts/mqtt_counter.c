/* Counts the messages of limit/+ that mosquitto passes to a C client, as fast as it can:
 *
 *     mqtt_counter PORT MESSAGES
 *
 * prints "ready" when it is subscribed, and when MESSAGES have come {"messages": N, "until": SECONDS SINCE 1970}. */
#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

static long wanted, count;

static double now(void)
{
    struct timeval time;
    gettimeofday(&time, NULL);
    return time.tv_sec + time.tv_usec / 1e6;
}

static void on_connect(struct mosquitto *client, void *data, int code)
{
    if (code != 0)
        exit(1);
    mosquitto_subscribe(client, NULL, "limit/+", 0);
}

static void on_subscribe(struct mosquitto *client, void *data, int mid, int size, const int *granted)
{
    puts("ready");
    fflush(stdout);
}

static void on_message(struct mosquitto *client, void *data, const struct mosquitto_message *message)
{
    if (++count == wanted) {
        printf("{\"messages\": %ld, \"until\": %.6f}\n", count, now());
        fflush(stdout);
        mosquitto_disconnect(client);
    }
}

int main(int size, char **arguments)
{
    struct mosquitto *client;
    if (size != 3)
        return 2;
    wanted = atol(arguments[2]);
    mosquitto_lib_init();
    client = mosquitto_new("counter", true, NULL);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_message_callback_set(client, on_message);
    if (mosquitto_connect(client, "127.0.0.1", atoi(arguments[1]), 60) != MOSQ_ERR_SUCCESS)
        return 1;
    mosquitto_loop_forever(client, -1, 1);
    mosquitto_destroy(client);
    mosquitto_lib_cleanup();
    return count == wanted ? 0 : 1;
}
