/* SPDX-License-Identifier: Apache-2.0 */
/* channel - what all channels have in common; see channel.h. */
#include "net/channel.h"

void kee_net_init(struct kee_net *net, struct kee_loop *loop)
{
    net->loop = loop;
    kee_list_init(&net->closing);
}

void kee_channel_attend(struct kee_channel *channel, const struct kee_channel_handler *handler,
                        void *context)
{
    channel->handler = handler;
    channel->context = context;
}

void kee_channel_set_text_max(struct kee_channel *channel, size_t text_max)
{
    channel->ops->set_text_max(channel, text_max);
}

void kee_channel_send(struct kee_channel *channel, struct kee_bytes text)
{
    channel->ops->send(channel, text);
}

void kee_channel_gather(struct kee_channel *channel)
{
    if (channel->ops->gather != NULL) {
        channel->ops->gather(channel);
    }
}

void kee_channel_flush(struct kee_channel *channel)
{
    if (channel->ops->flush != NULL) {
        channel->ops->flush(channel);
    }
}

size_t kee_channel_backlog(const struct kee_channel *channel)
{
    return channel->ops->backlog(channel);
}

void kee_channel_pause(struct kee_channel *channel, bool paused)
{
    channel->ops->pause(channel, paused);
}

void kee_channel_close(struct kee_channel *channel)
{
    channel->ops->close(channel);
}

void kee_channel_free(struct kee_channel *channel)
{
    if (channel != NULL) {
        channel->ops->free(channel);
    }
}
