#!/usr/bin/env python3
"""Makes primitives/tpm/tests/fixtures/legacy anew: what a TPM 1.2 (swtpm) says of itself, and a credential that it opened.

Two chips are made, each with an endorsement key, an owner and an attestation identity key. Everything that goes to them
is written here with Python's standard library, so that the vectors do not come out of the code that they test. Names of
commands and structures are those of the TPM Main Specification 1.2, revision 116.

Needs: swtpm, swtpm-tools (whose swtpm_localca certifies), openssl. Takes some seconds; needs no root. Keys are new at
every run; the tests depend on no value.

  ek.pubkey, aik.pubkey           TPM_PUBKEY of either key, and the same of the other chip in other/
  quote.info, quote.signature     TPM_QUOTE_INFO over PCRs 0 and 10 as the TPM hashed it, and the signature
  quote.composite                 its TPM_PCR_COMPOSITE
  extended.*                      the same after PCR 10 was extended
  ek.nv                           the NV index of the EK certificate, as stored
  ek-sha1.der, ek.der             that certificate, and one for the same key that is signed with SHA-256
  ca.der, root.der                who signed them
  credential.*                    session key, OAEP seed and blob of a credential that TPM_ActivateIdentity opened
"""

import hashlib
import hmac
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

NONCE = b"Elapse fixture 1234567890abcdefgh"
OUT = pathlib.Path(__file__).resolve().parent.parent / "primitives/tpm/tests/fixtures/legacy"

SRK, OWNER = 0x40000000, 0x40000001
WELL_KNOWN = bytes(20)
# algorithmID, encScheme, sigScheme, parmSize, keyLength, numPrimes, exponentSize
IDENTITY_PARMS = struct.pack(">IHHIIII", 1, 1, 2, 12, 2048, 2, 0)
STORAGE_PARMS = struct.pack(">IHHIIII", 1, 3, 1, 12, 2048, 2, 0)


def sha1(*parts):
    return hashlib.sha1(b"".join(parts)).digest()


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha1).digest()


def sized(data):
    return struct.pack(">I", len(data)) + data


def key_request(usage, parms):
    """TPM_KEY without the key: version 1.1.0.0, no flags, authorisation always, no PCRs."""
    return struct.pack(">4BHIB", 1, 1, 0, 0, usage, 0, 1) + parms + struct.pack(">III", 0, 0, 0)


def oaep(modulus, message, seed):
    """RSAES-OAEP with SHA-1 and the label "TCPA" (TPM Main Part 1, section 31.1)."""

    def mask(seed, size):
        return b"".join(sha1(seed, struct.pack(">I", counter)) for counter in range(size // 20 + 1))[:size]

    def xor(left, right):
        return bytes(a ^ b for a, b in zip(left, right))

    size = len(modulus)
    data = sha1(b"TCPA") + bytes(size - len(message) - 42) + b"\1" + message
    data = xor(data, mask(seed, len(data)))
    encoded = b"\0" + xor(seed, mask(data, 20)) + data
    return pow(int.from_bytes(encoded, "big"), 65537, int.from_bytes(modulus, "big")).to_bytes(size, "big")


class Tpm:
    """A TPM 1.2 of its own."""

    def __init__(self, work):
        self.owner = os.urandom(20)
        state = work / "state"
        state.mkdir(parents=True)
        ca = work / "ca"
        ca.mkdir()
        conf, options, setup = (work / name for name in ("localca.conf", "localca.options", "setup.conf"))
        conf.write_text(
            f"statedir = {ca}\nsigningkey = {ca}/signkey.pem\nissuercert = {ca}/issuercert.pem\n"
            f"certserial = {ca}/certserial\n"
        )
        options.write_text("--tpm-manufacturer id:00001014\n--tpm-model swtpm\n--tpm-version id:00740001\n")
        setup.write_text(
            f"create_certs_tool = {shutil.which('swtpm_localca')}\ncreate_certs_tool_config = {conf}\n"
            f"create_certs_tool_options = {options}\n"
        )
        run("swtpm_setup", "--tpmstate", state, "--config", setup, "--create-ek-cert", "--logfile", work / "setup.log")
        self.work, self.conf, self.options = work, conf, options
        self.ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpmstate", f"dir={state}", "--flags", "not-need-init,startup-clear"]
            + ["--fd", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self.ours.settimeout(120)

    def end(self):
        self.ours.close()
        self.process.wait(10)

    def certify(self, modulus, *more):
        """Another EK certificate by the same authority."""
        out = self.work / "certificates"
        out.mkdir(exist_ok=True)
        run(
            *("swtpm_localca", "--type", "ek", "--ek", modulus.hex(), "--dir", out, "--logfile", self.work / "ca.log"),
            *("--tpm-spec-family", "1.2", "--tpm-spec-level", "2", "--tpm-spec-revision", "116", *more),
            *("--tpm-manufacturer", "id:00001014", "--tpm-model", "swtpm", "--tpm-version", "id:00740001"),
            *("--configfile", self.conf, "--optsfile", self.options),
        )
        return (out / "ek.cert").read_bytes()

    def raw(self, tag, ordinal, body):
        self.ours.sendall(struct.pack(">HII", tag, 10 + len(body), ordinal) + body)
        head = self.receive(10)
        tag, size, code = struct.unpack(">HII", head)
        if code:
            raise RuntimeError(f"command {ordinal:#x}: result {code:#x}")
        return self.receive(size - 10)

    def receive(self, size):
        data = b""
        while len(data) < size:
            more = self.ours.recv(size - len(data))
            if not more:
                raise RuntimeError("swtpm has gone")
            data += more
        return data

    def plain(self, ordinal, body=b""):
        return self.raw(0xC1, ordinal, body)

    def oiap(self, secret):
        answer = self.plain(0x0A)
        return [answer[:4], answer[4:24], secret]

    def osap_owner(self):
        odd = os.urandom(20)
        answer = self.plain(0x0B, struct.pack(">HI", 2, OWNER) + odd)
        return [answer[:4], answer[4:24], mac(self.owner, answer[24:44], odd)]

    def authorised(self, ordinal, handles, body, *sessions, out_handles=0):
        digest = sha1(struct.pack(">I", ordinal), body)
        command, odds = handles + body, []
        for handle, even, secret in sessions:
            odd = os.urandom(20)
            odds.append(odd)
            command += handle + odd + b"\0" + mac(secret, digest, even, odd, b"\0")
        answer = self.raw(0xC1 + len(sessions), ordinal, command)
        answer, tail = answer[: len(answer) - 41 * len(sessions)], answer[len(answer) - 41 * len(sessions) :]
        digest = sha1(struct.pack(">II", 0, ordinal), answer[out_handles:])
        for index, ((_, _, secret), odd) in enumerate(zip(sessions, odds)):
            even, more, auth = struct.unpack(">20sc20s", tail[41 * index : 41 * index + 41])
            assert mac(secret, digest, even, odd, more) == auth, "the answer is not authentic"
        return answer

    def provision(self):
        answer = self.plain(0x7C, os.urandom(20))
        self.ek = answer[:-20]
        modulus = self.ek[-256:]
        secrets = [oaep(modulus, secret, os.urandom(20)) for secret in (self.owner, WELL_KNOWN)]
        body = struct.pack(">H", 5) + sized(secrets[0]) + sized(secrets[1]) + key_request(0x11, STORAGE_PARMS)
        self.authorised(0x0D, b"", body, self.oiap(self.owner))
        owner = self.osap_owner()
        encrypted = bytes(a ^ b for a, b in zip(WELL_KNOWN, sha1(owner[2], owner[1])))
        body = encrypted + sha1(b"Elapse") + key_request(0x12, IDENTITY_PARMS)
        answer = self.authorised(0x79, b"", body, self.oiap(WELL_KNOWN), owner)
        # TPM_KEY: 11 bytes, the parameters, no PCR info, then TPM_STORE_PUBKEY.
        assert answer[11:35] == IDENTITY_PARMS and answer[35:43] == struct.pack(">II", 0, 256)
        self.aik = IDENTITY_PARMS + answer[39 : 43 + 256]
        size = struct.unpack(">I", answer[299:303])[0]
        blob = answer[: 303 + size]
        answer = self.authorised(0x41, struct.pack(">I", SRK), blob, self.oiap(WELL_KNOWN), out_handles=4)
        self.handle = answer[:4]

    def quote(self, nonce, bitmap):
        body = sha1(nonce) + struct.pack(">H", len(bitmap)) + bitmap
        answer = self.authorised(0x16, self.handle, body, self.oiap(WELL_KNOWN))
        signature, composite = answer[-256:], answer[:-260]
        info = b"\1\1\0\0QUOT" + sha1(composite) + sha1(nonce)
        # RSASSA-PKCS1-v1_5 by hand: what the chip signed is what is written down.
        number = pow(int.from_bytes(signature, "big"), 65537, int.from_bytes(self.aik[-256:], "big"))
        expected = bytes.fromhex("3021300906052b0e03021a05000414") + sha1(info)
        assert number.to_bytes(256, "big") == b"\0\1" + b"\xff" * 218 + b"\0" + expected, "not the chip's signature"
        return {"info": info, "signature": signature, "composite": composite}

    def activate(self, blob):
        sessions = self.oiap(WELL_KNOWN), self.oiap(self.owner)
        return self.authorised(0x7A, self.handle, sized(blob), *sessions)

    def nv(self, index, size):
        return b"".join(
            self.plain(0xCF, struct.pack(">III", index, offset, min(256, size - offset)))[4:]
            for offset in range(0, size, 256)
        )


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"fixture-tpm12: {command[0]}: {done.stdout}{done.stderr}")


def der(pem):
    command = ["openssl", "x509", "-in", str(pem), "-outform", "DER"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def make(work):
    files = {}
    chip, other = Tpm(work / "one"), Tpm(work / "two")
    for prefix, tpm in (("", chip), ("other/", other)):
        tpm.provision()
        files |= {f"{prefix}ek.pubkey": tpm.ek, f"{prefix}aik.pubkey": tpm.aik}
        files |= {f"{prefix}quote.{name}": value for name, value in tpm.quote(NONCE, b"\1\4\0").items()}
    head = chip.nv(0x1000F000, 5)
    assert head[:3] == b"\x10\1\0", head.hex()
    files["ek.nv"] = chip.nv(0x1000F000, 5 + struct.unpack(">H", head[3:])[0])
    # TCG_PCCLIENT_FULL_CERT: its tag, and the certificate.
    assert files["ek.nv"][5:7] == b"\x10\2"
    files["ek-sha1.der"] = files["ek.nv"][7:]
    # The authority signs with SHA-1 for TPM 1.2, and with SHA-256 otherwise.
    files["ek.der"] = chip.certify(chip.ek[-256:], "--tpm2")
    files["ca.der"] = der(chip.work / "ca/issuercert.pem")
    files["root.der"] = der(chip.work / "ca/swtpm-localca-rootca-cert.pem")

    # TPM_ASYM_CA_CONTENTS: a TPM_SYMMETRIC_KEY (AES-128, OFB), and the digest of the identity key.
    session, seed = os.urandom(16), os.urandom(20)
    key = struct.pack(">IHH", 6, 5, 16) + session
    blob = oaep(chip.ek[-256:], key + sha1(chip.aik), seed)
    assert chip.activate(blob) == key, "another key came out"
    files |= {"credential.session": session, "credential.seed": seed, "credential.blob": blob}

    chip.plain(0x14, struct.pack(">I", 10) + sha1(b"another program"))
    files |= {f"extended.{name}": value for name, value in chip.quote(NONCE, b"\1\4\0").items()}
    chip.end()
    other.end()
    return files


def main():
    for program in ("swtpm", "swtpm_setup", "swtpm_localca", "openssl"):
        if not shutil.which(program):
            sys.exit(f"fixture-tpm12: {program} is missing")
    with tempfile.TemporaryDirectory() as work:
        files = make(pathlib.Path(work))
    shutil.rmtree(OUT, ignore_errors=True)
    for name, value in files.items():
        path = OUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)
    print(f"{len(files)} files, {sum(map(len, files.values()))} bytes in {OUT}")


if __name__ == "__main__":
    main()
