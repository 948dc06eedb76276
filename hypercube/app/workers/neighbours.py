"""What comes to the place of a dead neighbour is accepted here until it has a successor."""

import asyncio
import os
import socket
from collections.abc import Sequence

from hypercube.app.listening import HttpServer


class Neighbours:
    """The listening sockets of all front-ends, as one of them holds them."""

    def __init__(self, http: HttpServer, descriptors: Sequence[int]) -> None:
        """`descriptors` are inherited, one a place."""
        self._http = http
        self._descriptors = descriptors
        self._adopted: dict[int, asyncio.Server] = {}

    async def adopt(self, place: int) -> None:
        """Accept what comes there, too."""
        if place in self._adopted:
            return
        listener = socket.socket(fileno=os.dup(self._descriptors[place]))
        server = await asyncio.get_running_loop().create_server(
            self._http.protocol, sock=listener, ssl=self._http.config.ssl
        )
        self._adopted[place] = server
        # What ends with this process, or stops accepting when it leaves, is this list.
        self._http.servers.append(server)

    def give_back(self, place: int) -> None:
        """Its new owner accepts there from now on; connections that are here stay."""
        server = self._adopted.pop(place, None)
        if server is not None:
            server.close()
            self._http.servers.remove(server)
