"""What travels: generated protobuf (`v1`) and its conversion to and from `core` types.

Shared by the gateway and the client, so it imports nothing but protobuf and `core`.
"""
