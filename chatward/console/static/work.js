// The worker of the chat page: it finds the number of a proof of work.
"use strict";

importScripts("traffic.js");

onmessage = ({ data }) => postMessage(ChatwardTraffic.search(data.salt, data.challenge, 0, data.maxnumber + 1));
