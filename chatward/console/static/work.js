// The worker of the chat page: it finds the number of a proof of work. It stands behind traffic.js in one file.
onmessage = ({ data }) => postMessage(ChatwardTraffic.search(data.salt, data.challenge, 0, data.maxnumber + 1));
