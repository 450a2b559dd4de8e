#!/bin/sh
# Make what a MongoDB with TLS and authentication needs, in DIRECTORY: an authority (ca.pem), a certificate for HOST
# (server.pem, with its key), and the key by which members of the replica set know each other (keyfile).
# For trying out. For real records take certificates of your own authority, and keep the authority's key elsewhere.
# usage: [OWNER=uid] certificates.sh DIRECTORY HOST     (OWNER is the user as whom mongod runs)
set -eu
umask 077
directory=$1 host=$2
mkdir -p "$directory"
cd "$directory"
[ -f server.pem ] && exit 0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 825 -sha256 \
  -keyout ca.key -out ca.pem -subj "/CN=recovery-plan trial authority"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
  -keyout server.key -out server.csr -subj "/CN=$host"
printf 'subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n' "$host" > server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -sha256 \
  -extfile server.ext -out server.crt
cat server.crt server.key > server.pem
openssl rand -base64 48 > keyfile
rm server.csr server.ext server.crt server.key
chmod 0755 .
chmod 0444 ca.pem
chmod 0400 keyfile server.pem ca.key
[ -z "${OWNER:-}" ] || chown "$OWNER" keyfile server.pem
