#!/bin/sh
# Makes the certificates of these tests anew, with OpenSSL 3. They sign themselves, their names end in .example, and
# their keys protect nothing: never use them anywhere else.
set -eu
cd "$(dirname "$0")"

make() { # name, first day, last day, names
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.test-only.key"
  # `openssl ca` is the one that takes dates in every version.
  folder=$(mktemp -d)
  touch "$folder/index"
  printf '[ca]\ndefault_ca=a\n[a]\ndatabase=%s/index\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\nrand_serial=yes\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=%s\nbasicConstraints=CA:TRUE\n[req]\ndistinguished_name=n\n[n]\n' \
    "$folder" "$folder" "$4" > "$folder/ca.cnf"
  openssl req -new -config "$folder/ca.cnf" -key "$1.test-only.key" -subj "/CN=$1 (test only)" -out "$folder/request"
  openssl ca -batch -notext -config "$folder/ca.cnf" -selfsign -keyfile "$1.test-only.key" -in "$folder/request" \
    -startdate "$2" -enddate "$3" -out "$1.pem" 2> /dev/null
  rm -r "$folder"
}

make shop 20200101000000Z 21200101000000Z 'DNS:shop.example,DNS:*.shop.example'
make shop-renewed 20200101000000Z 21210101000000Z 'DNS:shop.example,DNS:*.shop.example'
make other 20200101000000Z 21200101000000Z 'DNS:other.example'
make expired 20200101000000Z 20210101000000Z 'DNS:shop.example'
make not-yet-valid 21190101000000Z 21200101000000Z 'DNS:shop.example'
make nameless 20200101000000Z 21200101000000Z 'IP:127.0.0.1'
openssl pkcs8 -topk8 -in shop.test-only.key -passout pass:test-only -out encrypted.test-only.key
