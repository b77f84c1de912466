"""The keys that papers of the OCA add to 1.6, and one of EVerest's: see `shadow.mapping.keys`."""

from __future__ import annotations

from typing import Final

from shadow.mapping.key import Access, Key, Relation, Variable, Way

__all__ = ["PLUG_AND_CHARGE", "SECURITY", "SIGNED_READINGS"]

_SIGNED: Final = "white paper on signed meter values"
_OF_21: Final = "a variable of 2.1, which a 2.0.1 station may have or not"

SECURITY: Final = (
    Key(
        name="AdditionalRootCertificateCheck",
        variables=(Variable("SecurityCtrlr", "AdditionalRootCertificateCheck"),),
        data_type="boolean",
        access=Access.READ_ONLY,
        source="security white paper ed. 3 §7.1; Part 2 §2.2.6",
    ),
    Key(
        name="AuthorizationKey",
        variables=(Variable("SecurityCtrlr", "BasicAuthPassword"),),
        access=Access.WRITE_ONLY,
        relation=Relation.SECRET,
        source="security white paper ed. 3 §7.2; Part 2 §2.2.1",
        caveat="at most 20 bytes as hexadecimal digits in 1.6, a text of 16 characters or more in 2.0.1; never kept, "
        "only that it was set",
        choice="Part 2 has it on SecurityCtrlr; EVerest on NetworkConfiguration, a component of 2.1",
    ),
    Key(
        name="CertificateSignedMaxChain",
        variables=(Variable("SecurityCtrlr", "MaxCertificateChainSize"),),
        data_type="integer",
        access=Access.READ_ONLY,
        relation=Relation.ALIAS,
        source="security white paper ed. 2, change log; Part 2 §2.2.7",
        caveat="the name that edition 1 gave to CertificateSignedMaxChainSize",
    ),
    Key(
        name="CertificateSignedMaxChainSize",
        variables=(Variable("SecurityCtrlr", "MaxCertificateChainSize"),),
        data_type="integer",
        access=Access.READ_ONLY,
        source="security white paper ed. 3 §7.3; Part 2 §2.2.7",
        caveat="10000 at most in both versions",
    ),
    Key(
        name="CertificateStoreMaxLength",
        variables=(Variable("SecurityCtrlr", "CertificateEntries"),),
        way=Way.LIMIT,
        data_type="integer",
        access=Access.READ_ONLY,
        relation=Relation.CHARACTERISTIC,
        source="security white paper ed. 3 §7.4; Part 2 §2.2.4",
        caveat="the maxLimit of CertificateEntries; how many are installed has no key in 1.6",
        choice="EVerest writes the capacity into Actual, which is how many are installed",
    ),
    Key(
        name="CpoName",
        variables=(Variable("SecurityCtrlr", "OrganizationName"),),
        source="security white paper ed. 3 §7.5; Part 2 §2.2.3",
        caveat="ISO15118Ctrlr.OrganizationName is another variable, of the certificates for vehicles",
    ),
    Key(
        name="SecurityProfile",
        variables=(Variable("SecurityCtrlr", "SecurityProfile"),),
        data_type="integer",
        access=Access.READ_ONLY,
        network_profile=True,
        relation=Relation.CAVEAT,
        source="security white paper ed. 3 §7.6; Part 2 §2.2.5, A05",
        caveat="can be written in 1.6; in 2.0.1 it is read-only and part of a network connection profile (B09), and "
        "there is no profile 0",
        choice="Part 2 has it on SecurityCtrlr, read-only; EVerest on NetworkConfiguration, SAP lets it be written",
    ),
)

PLUG_AND_CHARGE: Final = (
    Key(
        name="ISO15118PnCEnabled",
        variables=(Variable("ISO15118Ctrlr", "PnCEnabled"),),
        data_type="boolean",
        source="application note on ISO 15118 §9.7; Part 2 §2.14.5",
    ),
    Key(
        name="CentralContractValidationAllowed",
        variables=(Variable("ISO15118Ctrlr", "CentralContractValidationAllowed"),),
        data_type="boolean",
        source="application note on ISO 15118 §9.1; Part 2 §2.14.1",
    ),
    Key(
        name="ContractValidationOffline",
        variables=(Variable("ISO15118Ctrlr", "ContractValidationOffline"),),
        data_type="boolean",
        source="application note on ISO 15118 §9.6; Part 2 §2.14.2",
    ),
    Key(
        name="CertSigningWaitMinimum",
        variables=(Variable("SecurityCtrlr", "CertSigningWaitMinimum"),),
        data_type="integer",
        unit="s",
        source="application note on ISO 15118 §9.3; Part 2 §2.2.8",
    ),
    Key(
        name="CertSigningRepeatTimes",
        variables=(Variable("SecurityCtrlr", "CertSigningRepeatTimes"),),
        data_type="integer",
        source="application note on ISO 15118 §9.4; Part 2 §2.2.9",
    ),
    Key(
        name="ISO15118CertificateManagementEnabled",
        variables=(
            Variable("ISO15118Ctrlr", "V2GCertificateInstallationEnabled"),
            Variable("ISO15118Ctrlr", "ContractCertificateInstallationEnabled"),
        ),
        data_type="boolean",
        relation=Relation.NEAR,
        source="EVerest; Part 2 §2.14.6, §2.14.7",
        caveat="no key of the OCA: one flag for two of 2.0.1",
        choice="EVerest keeps it on its legacy component",
    ),
)

SIGNED_READINGS: Final = (
    Key(
        name="PublicKeyWithSignedMeterValue",
        variables=(Variable("OCPPCommCtrlr", "PublicKeyWithSignedMeterValue"),),
        data_type="OptionList",
        source=f"{_SIGNED}; Part 2 §2.7.17",
    ),
    Key(
        name="SampledDataSignReadings",
        variables=(Variable("SampledDataCtrlr", "SignReadings"),),
        data_type="boolean",
        source=f"{_SIGNED}; Part 2 §2.7.3",
    ),
    Key(
        name="SampledDataSignStartedReadings",
        variables=(Variable("SampledDataCtrlr", "SignStartedReadings"),),
        data_type="boolean",
        relation=Relation.CAVEAT,
        source=_SIGNED,
        caveat=_OF_21,
    ),
    Key(
        name="SampledDataSignUpdatedReadings",
        variables=(Variable("SampledDataCtrlr", "SignUpdatedReadings"),),
        data_type="boolean",
        relation=Relation.CAVEAT,
        source=_SIGNED,
        caveat=_OF_21,
    ),
    Key(
        name="StartTxnSampledData",
        variables=(Variable("SampledDataCtrlr", "TxStartedMeasurands"),),
        data_type="MemberList",
        measurands=True,
        source=f"{_SIGNED}; Part 2 §2.7.6",
        caveat="the only key that says TxStartedMeasurands, which is Required",
    ),
    Key(
        name="AlignedDataSignReadings",
        variables=(Variable("AlignedDataCtrlr", "SignReadings"),),
        data_type="boolean",
        source=f"{_SIGNED}; Part 2 §2.7.14",
    ),
    Key(
        name="AlignedDataSignUpdatedReadings",
        variables=(Variable("AlignedDataCtrlr", "SignUpdatedReadings"),),
        data_type="boolean",
        relation=Relation.CAVEAT,
        source=_SIGNED,
        caveat=_OF_21,
    ),
)
