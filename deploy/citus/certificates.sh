#!/bin/sh
# Certificates of a cluster: one for its nodes as they call each other, one for each node's own name.
#   sh deploy/citus/certificates.sh FOLDER coordinator worker-1 worker-2
# FOLDER/HOST goes to that node as /etc/settle-citus, readable by its postgres alone; ca.key stays here,
# on no node. Again with a new host's name it makes that host's and leaves the others as they are.
set -eu
umask 077
folder=$1
shift
mkdir -p "$folder"
cd "$folder"
sign() { # NAME SUBJECT EXTENSION...
    name=$1 subject=$2
    shift 2
    openssl req -new -x509 -newkey rsa:3072 -nodes -days 825 -CA ca.crt -CAkey ca.key \
        -subj "/CN=$subject" -keyout "$name.key" -out "$name.crt" \
        -addext basicConstraints=critical,CA:FALSE "$@" 2>/dev/null
}
test -e ca.key || openssl req -new -x509 -newkey rsa:3072 -nodes -days 3650 \
    -subj "/CN=settle cluster" -keyout ca.key -out ca.crt 2>/dev/null
test -e node.key || sign node settle-node -addext extendedKeyUsage=clientAuth
for host in "$@"; do
    mkdir -p "$host"
    test -e "$host/server.key" || sign "$host/server" "$host" -addext "subjectAltName=DNS:$host" \
        -addext extendedKeyUsage=serverAuth
    cp ca.crt node.crt node.key "$host"
done
